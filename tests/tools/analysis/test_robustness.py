"""tools/analysis/robustness.py with small models on the demo shapes."""

import json
import runpy
from functools import partial
from types import SimpleNamespace

import cv2
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope

from vitae_mm.analysis.classifiers import PixelClassifier, read_samples
from vitae_mm.datasets.shapes import CLASSES
from vitae_mm.engine.models import build_model, load_model
from vitae_mm.errors import InputError

from ...helpers import training
from ...helpers.commands import ROOT, complaint, run

TOOL = 'tools/analysis/robustness.py'
QUICK = ['--count', 6, '--batch', 4, '--steps', 2, '--device', 'cpu']


@pytest.fixture
def model(data, tmp_path):
    """Writes a named config and a checkpoint with random weights."""

    def make(name, write=training.write_classifier, seed=0, **changes):
        cfg = Config.fromfile(write(tmp_path / f'{name}.py', data))
        cfg.merge_from_dict(changes)
        cfg.dump(tmp_path / f'{name}.py')
        torch.manual_seed(seed)
        torch.save(build_model(cfg).state_dict(), tmp_path / f'{name}.pth')
        return tmp_path / f'{name}.py', tmp_path / f'{name}.pth'

    return make


@pytest.fixture
def tool(run_tool):
    return partial(run_tool, TOOL)


def test_two_models_are_compared(model, tool, tmp_path):
    options = [
        '--attack',
        'pgd',
        'fgsm',
        '--eps',
        '8/255',
        '1/255',
        '8/255',
        '--restarts',
        2,
        '--corruptions',
        'noise',
        'jpeg',
        '--seed',
        3,
    ]
    runs = [*model('first'), '--compare', *model('second', seed=1)]
    printed = tool(*runs, *options, *QUICK, '--out', tmp_path / 'out')
    report = json.loads((tmp_path / 'out/robustness.json').read_text())
    steps = [0, 1 / 255, 8 / 255]
    strengths = dict(pgd=steps, fgsm=steps, noise=list(range(6)), jpeg=list(range(6)))
    assert report['strengths'] == strengths
    assert (report['images'], report['seed'], report['steps'], report['restarts']) == (6, 3, 2, 2)
    assert list(report['models']) == ['first', 'second']
    for label, entry in report['models'].items():
        assert entry['checkpoint'] == str(tmp_path / f'{label}.pth') and label in printed
        assert {name: len(curve) for name, curve in entry['accuracy'].items()} == {
            name: len(values) for name, values in strengths.items()
        }
        # all curves begin with the accuracy on unchanged images
        assert len({curve[0] for curve in entry['accuracy'].values()}) == 1
    for part in ('attacks', 'corruptions'):
        assert cv2.imread(str(tmp_path / f'out/{part}.png')).std() > 10
    tool(*runs, *options, *QUICK, '--out', tmp_path / 'again')
    assert json.loads((tmp_path / 'again/robustness.json').read_text()) == report


def test_samples_are_images_and_classes_of_the_test_set(model, data):
    cfg = Config.fromfile(model('c')[0])
    samples, fewer = read_samples(cfg, 99, seed=1), read_samples(cfg, 5, seed=1)
    assert len(samples.labels) == 16 and torch.equal(fewer.images, samples.images[:5])
    assert not torch.equal(read_samples(cfg, 99, seed=2).images, samples.images)
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
    # images are loaded in BGR
    expected = [
        (item['inputs'].flip(0).tolist(), item['data_samples'].gt_label.item()) for item in dataset
    ]
    assert sorted(zip(*(values.tolist() for values in samples), strict=True)) == sorted(expected)


@pytest.mark.parametrize('to_rgb', [False, True])
def test_the_channel_order_matches_the_model(model, to_rgb):
    path, checkpoint = model('c', **{'model.data_preprocessor.to_rgb': to_rgb})
    cfg = Config.fromfile(path)
    classifier = PixelClassifier(load_model(cfg, str(checkpoint), 'cpu'))
    samples = read_samples(cfg, 4)
    files = samples.images.flip(1)
    with torch.no_grad():
        expected = classifier.model(**classifier.model.data_preprocessor(dict(inputs=files)))
        torch.testing.assert_close(classifier(samples.images / 255), expected)


def test_attacks_or_corruptions_may_be_omitted(model, tool, tmp_path):
    tool(*model('c'), '--attack', '--corruptions', 'blur', *QUICK, '--out', tmp_path / 'out')
    assert {path.name for path in (tmp_path / 'out').iterdir()} == {
        'corruptions.png',
        'robustness.json',
    }


@pytest.mark.parametrize(
    'options, words',
    [
        (['--eps', '8'], '8/255 is probably meant'),
        (['--attack', '--eps', '8'], '8/255 is probably meant'),
        (['--eps=-1/255'], 'give 1/255'),
        (['--eps', '0'], 'eps 0 alone is not an attack'),
        (['--steps', '0'], 'steps 0: give a whole number, 1 or more'),
        (['--restarts', '0'], 'restarts 0'),
        (['--batch', '-1'], 'batch -1'),
        (['--count', '0'], '--count 0'),
        (['--seed', '-1'], 'seed -1'),
        (['--attack', '--corruptions'], 'neither attacks nor corruptions'),
        (['--labels', 'a', 'b'], 'one unique label per model in --labels, 1 in total'),
        (['--device', 'cuda:77'], '--device cuda:77: not available on this machine'),
    ],
)
def test_invalid_options_are_rejected_before_files_are_read(tool, tmp_path, options, words):
    with pytest.raises(InputError, match=words):
        tool('missing.py', 'missing.pth', *options, '--out', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('option', ['--attack', '--corruptions'])
def test_unknown_names_are_rejected_with_the_choices(tool, tmp_path, capsys, option):
    with pytest.raises(SystemExit):
        tool('c.py', 'c.pth', option, 'fog', '--out', tmp_path)
    assert "invalid choice: 'fog' (choose from" in capsys.readouterr().err


def test_one_config_twice_needs_labels(tool, tmp_path):
    with pytest.raises(InputError, match='one unique label per model in --labels, 2 in total'):
        tool('a.py', 'a.pth', '--compare', 'a.py', 'b.pth', '--out', tmp_path)


def test_the_output_must_be_a_folder(tool, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match='file is not a folder'):
        tool('a.py', 'a.pth', '--out', tmp_path / 'file')


def test_other_tasks_and_models_are_rejected(model, tool, tmp_path):
    words = "RetinaNet of the config, whose default_scope is 'mmdet', is not .*only classifiers"
    with pytest.raises(InputError, match=words):
        tool(*model('d', training.write_detector), '--out', tmp_path / 'out')
    with pytest.raises(
        InputError, match='ImageClassifier .*not a classifier with a head.* give a config'
    ):
        tool(*model('c', **{'model.head': None}), '--out', tmp_path / 'out')


def test_images_without_classes_are_rejected(model, tool, tmp_path):
    with pytest.raises(InputError, match='an image has no class: accuracy needs'):
        tool(
            *model('c', **{'test_dataloader.dataset.with_label': False}),
            *QUICK,
            '--out',
            tmp_path / 'out',
        )


def test_folders_without_images_are_rejected(model, tool, tmp_path):
    (tmp_path / 'empty').mkdir()
    empty = {
        'test_dataloader.dataset.data_root': str(tmp_path / 'empty'),
        'test_dataloader.dataset.data_prefix': '',
    }
    runs = model('c', **empty)
    with pytest.raises(InputError, match='empty is empty'):
        tool(*runs, *QUICK, '--out', tmp_path / 'out')
    for name in CLASSES:
        (tmp_path / 'empty' / name).mkdir()
    with pytest.raises(InputError, match='there are no images in'):
        tool(*runs, *QUICK, '--out', tmp_path / 'out')


def test_pipelines_must_return_bytes_of_one_size(model, data):
    load, resize, pack = Config.fromfile(model('c')[0]).test_dataloader.dataset.pipeline
    steps = 'test_dataloader.dataset.pipeline'
    with pytest.raises(InputError, match='sizes after the pipeline.*add CenterCrop'):
        read_samples(Config.fromfile(model('c', **{steps: [load, pack]})[0]), 9)
    normalize = dict(type='mmcv.Normalize', mean=[127.0] * 3, std=[64.0] * 3)
    with pytest.raises(InputError, match='torch.float32 after the pipeline, not uint8'):
        read_samples(Config.fromfile(model('c', **{steps: [load, resize, normalize, pack]})[0]), 9)


def test_models_must_be_tested_on_the_same_images(model, tool, tmp_path):
    few = model('few', **{'test_dataloader.dataset.indices': 3})
    with pytest.raises(InputError, match='few and c have different test sets'):
        tool(*model('c'), '--compare', *few, *QUICK, '--out', tmp_path / 'out')


def test_a_panel_for_each_curve_has_a_line_for_each_model():
    draw = SimpleNamespace(**runpy.run_path(str(ROOT / TOOL))).draw
    lines = dict(a=[90.0, 50.0], b=[80.0, 70.0])
    figure = draw(dict.fromkeys(['pgd', 'blur', 'noise', 'jpeg'], lines), [0, 8], 'strength')
    assert [panel.get_title() for panel in figure.axes] == ['PGD', 'blur', 'noise', 'JPEG']
    assert [line.get_ydata().tolist() for line in figure.axes[3].lines] == list(lines.values())
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ['a', 'b']


@pytest.mark.slow
def test_the_command_prints_one_error_message(tmp_path):
    done = run('python', TOOL, 'c.py', 'c.pth', '--eps', '4', '--out', tmp_path)
    assert complaint(done) == (
        'error: eps 4: pixels range from 0 to 1, and eps must be below 1: 4/255 is probably meant.'
    )
