"""tools/analysis/browse_dataset.py on the demo shapes, in every codebase."""

import runpy
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import set_random_seed

from vitae_mm.errors import InputError

from ...helpers import training
from ...helpers.commands import ROOT
from ...helpers.stacks import exact_pictures

TOOL = 'tools/analysis/browse_dataset.py'
WRITERS = dict(
    cls=training.write_classifier,
    det=training.write_detector,
    seg=training.write_segmentor,
    pose=training.write_pose_estimator,
)


@pytest.fixture(scope='module')
def tool():
    return SimpleNamespace(**runpy.run_path(str(ROOT / TOOL)))


@pytest.fixture
def config(data, tmp_path):
    """Writes and reads a small config of a task."""
    return lambda task, **options: Config.fromfile(
        WRITERS[task](tmp_path / f'{task}.py', data, **options)
    )


@pytest.fixture
def browse(run_tool, tmp_path):
    """Runs the tool and returns the picture."""

    def run(cfg, *options):
        cfg.dump(tmp_path / 'c.py')
        out = tmp_path / 'pictures' / 'c.png'
        run_tool(TOOL, tmp_path / 'c.py', '--out', out, *options)
        return cv2.imread(str(out))

    return run


@pytest.mark.slow
@pytest.mark.parametrize('task', WRITERS)
def test_every_task_has_a_picture(browse, config, task):
    picture = browse(config(task), '--number', 4)
    # more than the titles of 2x2 panels
    assert min(picture.shape[:2]) > 500 and picture.std() > 20


def test_samples_are_spread_over_the_dataset(tool, config):
    pictures, _ = tool.draw_samples(config('seg'), 'train', 3)
    assert [name for name, _ in pictures] == ['0: 000000.jpg', '2: 000002.jpg', '4: 000004.jpg']
    assert len(tool.draw_samples(config('seg'), 'train', 100)[0]) == 5


def test_the_legend_has_only_the_classes_in_the_samples(tool, config, data):
    _, colors = tool.draw_samples(config('seg'), 'train', 1)
    labels = np.unique(cv2.imread(str(data / 'masks/train/000000.png'), cv2.IMREAD_UNCHANGED))
    classes = ('ground', 'triangle', 'square', 'star', 'cross')
    assert list(colors) == [classes[label] for label in labels]


def test_images_keep_their_colors(tool, config):
    cfg = config('cls')
    ((name, picture),) = tool.draw_samples(cfg, 'train', 1)[0]
    folder = ROOT / cfg.train_dataloader.dataset.data_root / 'classes/train/cross'
    file = min(folder.glob('*.jpg'))
    assert name == f'0: {file.name}'
    image = cv2.imread(str(file))
    # the class is written into the upper half
    halves = [part[len(part) // 2 :].reshape(-1, 3).mean(0) for part in (image, picture)]
    assert np.allclose(*halves, atol=4)


def test_decoded_images_are_taken_as_rgb(tool, config, monkeypatch):
    cfg = config('cls')
    swapped = tool.draw_samples(cfg, 'train', 1)[0]
    monkeypatch.setitem(tool.draw_samples.__globals__, 'loads_image_files', lambda steps: False)
    plain = tool.draw_samples(cfg, 'train', 1)[0]
    lower = [picture[120:] for pictures in (swapped, plain) for _, picture in pictures]
    assert np.array_equal(lower[0][..., ::-1], lower[1])


@exact_pictures
def test_labels_follow_the_augmentations(tool, config):
    cfg = config('seg')
    plain = tool.draw_samples(cfg, 'train', 2)[0]
    cfg.train_dataloader.dataset.pipeline.insert(2, dict(type='RandomFlip', prob=1.0))
    flipped = tool.draw_samples(cfg, 'train', 2)[0]
    for (_, picture), (_, turned) in zip(plain, flipped, strict=True):
        for half, original in zip(np.hsplit(turned, 2), np.hsplit(picture, 2), strict=True):
            assert np.array_equal(half, original[:, ::-1])


def test_keypoints_are_drawn_in_the_crop(tool, config):
    cfg = config('pose')
    dataset = cfg.train_dataloader.dataset
    plain = tool.draw_samples(cfg, 'train', 1)[0]
    cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=dataset)
    repeated = tool.draw_samples(cfg, 'train', 1)[0]
    ((_, first),) = plain
    assert np.array_equal(repeated[0][1], first)
    # keypoints are drawn as circles; in coordinates of the whole image they would lie outside
    assert (first == 255).all(-1).sum() > 20


def test_wrapped_datasets_are_drawn(tool, config):
    cfg = config('cls')
    dataset = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(
        type='ConcatDataset',
        datasets=[
            dataset,
            dict(
                type='vitae_mm.StratifiedSubset', fraction=0.5, keep_length=False, dataset=dataset
            ),
        ],
    )
    assert len(tool.draw_samples(cfg, 'train', 100)[0]) > 16


def test_the_seed_determines_the_picture(tool, config):
    def drawn(seed):
        set_random_seed(seed)
        pictures, _ = tool.draw_samples(config('cls', augment=True), 'train', 16)
        return np.stack([picture for _, picture in pictures])

    assert np.array_equal(drawn(0), drawn(0))
    assert not np.array_equal(drawn(0), drawn(1))


@pytest.mark.parametrize(
    'options, message',
    [
        (['--number', 0], '--number 0: give a whole number'),
        (['--split', 'val'], '--split val: the config has no val_dataloader'),
    ],
)
def test_invalid_options_are_rejected(browse, config, options, message):
    with pytest.raises(InputError, match=message):
        browse(config('cls'), *options)


def test_a_missing_folder_is_reported(browse, config, data):
    cfg = config('cls')
    cfg.train_dataloader.dataset.data_prefix = 'absent'
    with pytest.raises(InputError, match='absent does not exist'):
        browse(cfg)
