"""The painters of all codebases with small models."""

import cv2
import mmengine
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import MODELS
from mmengine.structures import InstanceData
from torch.nn.modules.batchnorm import _BatchNorm

from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError
from vitae_mm.visualization import build_painter
from vitae_mm.visualization.detection import InstanceVisualizer

from ..helpers import training
from ..helpers.commands import ROOT
from ..helpers.stacks import exact_pictures

OWN = ('Kröte', 'Molch', 'Unke', 'Frosch')


@pytest.fixture
def image(data):
    return cv2.imread(str(next((data / 'images/train').iterdir())))


@pytest.fixture
def make(data, tmp_path):
    """Writes a config and a checkpoint, with or without dataset metadata."""

    def write(scope, dataset_meta=None, **options):
        cfg = Config.fromfile(training.WRITERS[scope](tmp_path / f'{scope}.py', data, **options))
        torch.manual_seed(0)
        state = build_model(cfg).state_dict()
        torch.save(
            dict(state_dict=state, meta=dict(dataset_meta=dataset_meta)), tmp_path / f'{scope}.pth'
        )
        return cfg, str(tmp_path / f'{scope}.pth')

    return write


@exact_pictures
def test_the_most_likely_class_is_written(make, image):
    painter = build_painter(*make('mmpretrain', dict(classes=OWN)))
    picture, prediction = painter.paint(image)
    assert prediction['pred_class'] == OWN[prediction['pred_label']]
    assert 1 / len(OWN) <= prediction['pred_score'] <= 1
    assert picture.shape == (384, 512, 3)
    # only the text in the corner differs from the enlarged image
    enlarged = cv2.resize(image, (512, 384), interpolation=cv2.INTER_CUBIC)
    changed = picture != enlarged
    assert changed[:40].any() and not changed[60:].any()


def test_boxes_above_the_threshold_are_drawn(make, image):
    cfg, checkpoint = make('mmdet', dict(classes=OWN))
    cfg.model.test_cfg.score_thr = 0.0
    painter = build_painter(cfg, checkpoint, score_thr=0.0)
    drawn, prediction = painter.paint(image)
    assert prediction['names'] == [OWN[label] for label in prediction['labels']]
    assert np.array(prediction['bboxes']).max() <= 256  # pixels of the image, before it is enlarged
    painter.score_thr = 1.0
    bare, same = painter.paint(image)
    assert same == prediction and drawn.shape == bare.shape == (384, 512, 3)
    assert (drawn != bare).any()


def test_pixels_are_colored_by_class(make, image):
    palette = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255)]
    meta = dict(classes=('Teich', *OWN), palette=palette)
    painter = build_painter(*make('mmseg', meta))
    picture, prediction = painter.paint(image)
    shares = prediction['shares']
    assert sum(shares.values()) == pytest.approx(1) and set(shares) <= set(meta['classes'])
    assert picture.shape[0] == 384 and picture.shape[1] > 512
    colors = np.array(palette)[:, None, None]
    enlarged = cv2.resize(image, (512, 384), interpolation=cv2.INTER_CUBIC)
    gray = cv2.cvtColor(enlarged, cv2.COLOR_BGR2GRAY)
    wanted = 0.6 * colors + 0.4 * gray[..., None]
    nearest = np.abs(wanted - picture[:, :512, ::-1]).sum(-1).argmin(0)
    for label, name in enumerate(meta['classes']):
        assert (nearest == label).mean() == pytest.approx(shares.get(name, 0), abs=0.01)


def test_keypoints_are_drawn_in_boxes(make, image):
    painter = build_painter(*make('mmpose'), score_thr=0.0)
    boxes = np.array([[20, 30, 40, 50], [120, 80, 60, 60]], np.float32)
    picture, prediction = painter.paint(image, boxes)
    assert [found['bbox'][0] for found in prediction['instances']] == [
        [20, 30, 60, 80],
        [120, 80, 180, 140],
    ]
    green = (picture == (0, 255, 0)).all(-1)  # the edges of the boxes in the enlarged picture
    assert green[60, 40:120].all() and green[160, 240:360].all()
    # the box of a whole image is not drawn
    picture, prediction = painter.paint(image)
    assert prediction['instances'][0]['bbox'][0] == [0, 0, 256, 192]
    assert not (picture[:, 0] == (0, 255, 0)).all(-1).any()


def test_labels_stay_inside_the_picture():
    visualizer = InstanceVisualizer(text_color=(255, 255, 255))
    visualizer.dataset_meta = dict(classes=['a long name'], palette=[(0, 0, 0)])

    def bright(x, y):
        sample = DetDataSample(
            pred_instances=InstanceData(
                bboxes=torch.tensor([[x, y, x + 8.0, y + 8.0]]),
                labels=torch.tensor([0]),
                scores=torch.tensor([0.5]),
            )
        )
        visualizer.add_datasample('', np.zeros((300, 400, 3), np.uint8), sample, draw_gt=False)
        return (visualizer.get_image() > 100).sum()

    assert bright(390.0, 100.0) > 0.9 * bright(100.0, 100.0)
    assert bright(100.0, 290.0) > 0.9 * bright(100.0, 100.0)


@pytest.mark.parametrize('size, radius', [((480, 640), 6), ((3000, 4000), 37)])
def test_keypoints_grow_with_the_picture(size, radius, make):
    painter = build_painter(*make('mmpose'), score_thr=0.0)
    picture, prediction = painter.paint(np.zeros((*size, 3), np.uint8))
    red = (picture == (0, 0, 255)).all(-1).sum()
    points = np.array(prediction['instances'][0]['keypoints']).round()
    inside = ((points > radius) & (points < np.array(size[::-1]) - radius)).all(1)
    # some may coincide
    assert red > 3 * radius**2 or not inside.any()


@pytest.mark.parametrize('scope', training.WRITERS)
def test_every_size_is_drawn_and_recorded(scope, make):
    painter = build_painter(*make(scope))
    for size in ((1, 1), (1, 300), (31, 17), (700, 900)):
        picture, prediction = painter.paint(np.full((*size, 3), 99, np.uint8))
        assert picture.dtype == np.uint8 and picture.shape[0] % size[0] == 0
        assert mmengine.dump(prediction, file_format='json').startswith('{')


@pytest.mark.parametrize(
    'scope, meta',
    [
        ('mmpretrain', dict(classes=OWN)),
        ('mmdet', dict(classes=OWN)),
        ('mmseg', dict(classes=('Teich', *OWN))),
    ],
)
def test_names_come_from_the_config_if_the_checkpoint_has_none(scope, meta, make):
    cfg, checkpoint = make(scope)
    cfg.test_dataloader.dataset.metainfo = meta
    painter = build_painter(cfg, checkpoint)
    assert painter.model.dataset_meta['classes'] == meta['classes']


def test_wrapped_datasets_and_separate_preprocessors_give_the_same_prediction(make, image):
    cfg, checkpoint = make('mmpretrain')
    plain = build_painter(Config(cfg.to_dict()), checkpoint).paint(image)[1]
    cfg.data_preprocessor = cfg.model.pop('data_preprocessor')
    inner = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=inner)
    assert build_painter(cfg, checkpoint).paint(image)[1] == plain


@pytest.mark.parametrize('scope', training.WRITERS)
@torch.no_grad()
def test_fused_models_give_the_same_outputs(scope, make, image):
    cfg, checkpoint = make(scope)
    plain, fused = (
        build_painter(Config(cfg.to_dict()), checkpoint, fuse=fuse) for fuse in (False, True)
    )
    models = [painter.model for painter in (plain, fused)]
    norms = [sum(isinstance(module, _BatchNorm) for module in model.modules()) for model in models]
    assert norms[0] > 0 and norms[1] == 0
    images = torch.rand(1, 3, 64, 64)
    for first, second in zip(*(model.backbone(images) for model in models), strict=True):
        assert torch.allclose(first, second, atol=1e-5)
    assert fused.paint(image)[0].shape == plain.paint(image)[0].shape


@pytest.mark.parametrize('score_thr', [-0.1, 30])
def test_invalid_thresholds_are_rejected(score_thr, make):
    with pytest.raises(InputError, match='from 0 to 1'):
        build_painter(*make('mmdet'), score_thr=score_thr)


@pytest.mark.parametrize('scope', training.WRITERS)
def test_a_checkpoint_that_does_not_fit_is_rejected(scope, make):
    cfg, checkpoint = make(scope)
    content = torch.load(checkpoint)
    del content['state_dict'][next(iter(content['state_dict']))]
    torch.save(content, checkpoint)
    with pytest.raises(InputError, match=f'{checkpoint} does not fit .* 1 missing'):
        build_painter(cfg, checkpoint)


@pytest.mark.parametrize(
    'change, options, words',
    [
        (
            dict(default_scope='mmagic'),
            {},
            "'mmagic' of the config is unknown: give a config of mmpretrain, mmdet",
        ),
        (dict(test_dataloader=None), {}, 'no test_dataloader'),
        (dict(), dict(score_thr=0.5), 'only boxes and keypoints have scores'),
        (
            dict(
                model=dict(
                    type='ImageToImageRetriever',
                    image_encoder=dict(type='VGG', depth=11),
                    prototype=torch.zeros(1, 1),
                )
            ),
            {},
            'ImageToImageRetriever .* only subclasses of Base',
        ),
    ],
)
def test_unsupported_tasks_and_options_are_rejected(change, options, words, make):
    cfg, checkpoint = make('mmpretrain')
    cfg = Config({**cfg.to_dict(), **change})
    if 'model' in change:
        torch.save(build_model(cfg).state_dict(), checkpoint)
    with pytest.raises(InputError, match=words):
        build_painter(cfg, checkpoint, **options)


def test_masked_patches_are_reconstructed(data, image, tmp_path):
    cfg = Config.fromfile(ROOT / 'configs/ssl/mae_vitae_demo_20e_shapes.py')
    with MODELS.switch_scope_and_registry('mmpretrain') as registry:
        model = registry.build({**cfg.model, 'data_preprocessor': cfg.data_preprocessor})
    # a decoder that predicts 0: the mean of a patch over pixels and channels
    for parameter in model.neck.decoder_pred.parameters():
        torch.nn.init.zeros_(parameter)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'a.pth')
    painter = build_painter(cfg, str(tmp_path / 'a.pth'))
    picture, prediction = painter.paint(image)
    assert prediction['patches'] == 64 and prediction['masked'] == 48
    assert prediction['loss'] == pytest.approx(1, abs=0.02)
    # three squares of 64 pixels with gaps of 4, enlarged
    assert picture.shape == (320, 1000, 3)
    whole, visible, filled = (
        cv2.resize(picture[:, 340 * i : 340 * i + 320], (64, 64), interpolation=cv2.INTER_AREA)
        for i in range(3)
    )
    square = cv2.resize(image[:, 32:224], (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(whole.astype(int) - square).mean() < 3
    mean, deviation = np.array([103.53, 116.28, 123.675]), np.array([57.375, 57.12, 58.395])
    kept = 0
    for top in range(0, 64, 8):
        for left in range(0, 64, 8):
            inner = np.s_[top + 2 : top + 6, left + 2 : left + 6]
            if np.abs(visible[inner] - mean).max() < 8:
                patch = (whole[top : top + 8, left : left + 8] - mean) / deviation
                assert np.abs(filled[inner] - (mean + deviation * patch.mean())).max() < 12
            else:
                kept += 1
                assert np.abs(filled[inner].astype(int) - whole[inner]).max() < 3
    assert kept == 16
    assert np.array_equal(painter.paint(image)[0], picture)
