"""Class activation of small networks of every family and codebase."""

import sys

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import nn

from vitae_mm.analysis.class_activation import METHODS, WITH_SCORE, WITHOUT_SCORE, Explainer
from vitae_mm.backbones import CeiT, ViTAE, ViTAEv2
from vitae_mm.engine.config import strip_test_dataset
from vitae_mm.engine.models import build_model, load_model
from vitae_mm.errors import InputError

from ..helpers import training
from ..helpers.archs import BLOCKS, FAST, FOUR_STAGES, PATCH, PYRAMID, classifier_out_type

SIZE = 80, 144
"""Rows and columns: not multiples of the largest stride, and not square."""

NEURIPS = dict(class_token=True, position='sinusoid', final_norm='tokens', out_type='cls_token')
CASES = {
    # network, options, the last cell with an effect, its stride
    'vitaev2': (ViTAEv2, dict(arch=FOUR_STAGES), 'stages.3.cells.0', 32),
    'windows': (ViTAEv2, dict(arch=FOUR_STAGES, attention=['window'] * 4), 'stages.3.cells.0', 32),
    'vitae': (ViTAE, dict(arch=PYRAMID), 'stages.2.cells.2', 16),
    'neurips': (ViTAE, dict(arch=PYRAMID, **NEURIPS), 'stages.2.cells.1', 16),
    'patches': (ViTAE, dict(arch=PATCH), 'stages.0.cells.2', 16),
    'patches-token': (ViTAE, dict(arch=PATCH, out_type='cls_token'), 'stages.0.cells.1', 16),
    'ceit': (CeiT, dict(arch=BLOCKS), 'stages.0.cells.1', 16),
}


@pytest.fixture
def image(tmp_path):
    pixels = np.random.RandomState(0).randint(0, 256, (*SIZE, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'image.png'), pixels)
    return tmp_path / 'image.png'


@pytest.fixture
def build(tmp_path):
    """Builds the model of a config with random weights, as the tools load it."""

    def build(cfg):
        torch.manual_seed(0)
        torch.save(build_model(cfg).state_dict(), tmp_path / 'c.pth')
        strip_test_dataset(cfg)
        return load_model(cfg, str(tmp_path / 'c.pth'), 'cpu')

    return build


@pytest.fixture
def config(data, tmp_path):
    """The config of a classifier that sees images as they are."""

    def make(network, out_type=None, **options):
        cfg = Config.fromfile(training.write_classifier(tmp_path / 'c.py', data))
        out_type = out_type or classifier_out_type(network)
        backbone = dict(type=f'vitae_mm.{network.__name__}', out_type=out_type, **options)
        with torch.device('meta'):
            width = network(**{k: v for k, v in backbone.items() if k != 'type'}).stages[-1]
        cfg.model.backbone = backbone
        cfg.model.neck = None if out_type != 'featmap' else cfg.model.neck
        cfg.model.head.in_channels = width.cells[-1].norm1.normalized_shape[0]
        cfg.test_dataloader.dataset.pipeline = [
            dict(type='LoadImageFromFile'),
            dict(type='PackInputs'),
        ]
        return cfg

    return make


@pytest.fixture
def classifier(config, build):
    return lambda *args, **options: build(config(*args, **options))


@pytest.fixture
def other_task(data, tmp_path, build):
    return lambda scope: build(
        Config.fromfile(training.WRITERS[scope](tmp_path / f'{scope}.py', data))
    )


def normalized(path):
    """An image file as the small classifier preprocesses it."""
    pixels = torch.from_numpy(cv2.imread(str(path))).permute(2, 0, 1)[None].float()
    return (pixels - 127) / 64


@pytest.mark.parametrize('case', CASES)
def test_the_map_matches_the_paper(case, classifier, image):
    network, options, cell, stride = CASES[case]
    explain = Explainer(classifier(network, **options))
    grid = [-(-side // stride) for side in SIZE]
    lit = 0
    for category in range(4):
        shown = explain(image, category)
        assert shown.layer == f'backbone.{cell}.attn'
        assert (shown.image == cv2.imread(str(image))[..., ::-1]).all()
        # stages pad the image to the right and below
        covered = [stride * side for side in grid]
        wanted = grad_cam(explain.model, shown.layer, image, category, grid, covered)
        assert shown.heat == pytest.approx(wanted, abs=1e-4)
        lit += shown.heat.any()
    assert lit


def grad_cam(model, name, image, category, grid, covered=SIZE):
    """Grad-CAM, Eqs. 1-2, implemented independently for a known grid."""
    kept = []

    def keep(module, inputs, output):
        kept.append(output)
        return output.clone()  # so that later layers cannot overwrite it

    hook = model.get_submodule(name).register_forward_hook(keep)
    logits = model(normalized(image).requires_grad_(), mode='tensor')
    hook.remove()
    both = kept[0], *torch.autograd.grad(logits[0, category], kept[0])
    if kept[0].shape[2:] == tuple(grid):
        both = (x.permute(0, 2, 3, 1) for x in both)
    # a class token is first
    values, grad = (x.detach().flatten(1, -2)[0, -grid[0] * grid[1] :] for x in both)
    heat = (values @ grad.mean(0)).clamp(min=0).reshape(grid).numpy()
    return scale(cv2.resize(scale(heat), covered[::-1]))[: SIZE[0], : SIZE[1]]


def scale(heat):
    return (heat - heat.min()) / (np.ptp(heat) + 1e-7)


class Quadrant(nn.Module):
    """The mean over the lower left quarter of the last map."""

    def forward(self, maps):
        last = maps[-1]
        height, width = last.shape[2:]
        return (last[:, :, height // 2 :, : width // 2].mean(dim=(2, 3)),)


@pytest.mark.parametrize('method', ['hirescam', 'layercam'])
@pytest.mark.parametrize(
    'network, options',
    [(ViTAEv2, dict(arch=FOUR_STAGES)), (ViTAE, dict(arch=PATCH)), (CeiT, dict(arch=BLOCKS))],
)
def test_the_pooled_quadrant_lights_up(network, options, method, classifier, tmp_path):
    pixels = np.random.RandomState(1).randint(0, 256, (128, 256, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'wide.png'), pixels)
    if network is ViTAE:
        options = dict(options, final_norm='none')
    explain = Explainer(classifier(network, 'featmap', **options), method=method)
    explain.model.neck = Quadrant()
    heats = (explain(tmp_path / 'wide.png', category).heat for category in (None, 0, 1, 2, 3))
    heat = next(heat for heat in heats if heat.any())  # of a class with positive evidence
    assert heat.max() > 0.9
    rows, cols = (np.flatnonzero(heat.max(axis=axis) > 0.05) for axis in (1, 0))
    # maps are upsampled: a position reaches into its neighbors
    assert rows.min() >= 64 - 32 and cols.max() < 128 + 32
    inside = heat[64:, :128].sum()
    assert inside > 0.75 * heat.sum()


@pytest.mark.parametrize('method', METHODS)
def test_every_method_returns_a_map(method, classifier, image):
    explain = Explainer(classifier(ViTAE, arch=PATCH), method=method)
    categories = [None, *range(4)] if method in WITH_SCORE else [None]
    heats = [explain(image, category).heat for category in categories]
    for heat in heats:
        assert heat.shape == SIZE and np.isfinite(heat).all()
        assert heat.min() >= 0 and heat.max() <= 1
    assert any(heat.any() for heat in heats)


@pytest.mark.slow
@pytest.mark.parametrize('network, arch', FAST)
def test_published_networks_are_explained(network, arch, classifier, image):
    heat = Explainer(classifier(network, arch=arch))(image).heat
    assert heat.shape == SIZE and 0 <= heat.min() <= heat.max() <= 1


def test_other_layers_can_be_drawn(classifier, image):
    model = classifier(ViTAEv2, arch=FOUR_STAGES)
    for layer in (
        'stages.1.cells.0.pcm',
        'stages.1.cells.0.pcm.conv1',
        'stages.1.cells.0.ffn',
        'stages.0.reduction',
        'stages.2.cells.1.norm2',
    ):
        shown = Explainer(model, layer=f'backbone.{layer}')(image)
        assert shown.layer == f'backbone.{layer}' and shown.heat.shape == SIZE


@pytest.mark.parametrize(
    'layer, words',
    [
        (
            'stages.3',
            r"'stages.3'.*no layer of this name; give .*named_modules.*stages.0.reduction.attn, .*",
        ),
        (
            'head.fc',
            r'head.fc outputs \(1, 4\), which is not a map .* of 80x144 pixels; give one of ',
        ),
        ('backbone.stages.0.cells.0', 'outputs tuple, which is not a map'),
        ('backbone.stages.0.cells.0.attn.qkv', r'outputs \(\d+, 49, 24\), which is not a map'),
    ],
)
def test_layers_without_a_map_are_rejected(layer, words, classifier, image):
    model = classifier(ViTAEv2, arch=FOUR_STAGES)
    with pytest.raises(InputError, match=words):
        Explainer(model, layer=layer)(image)


@pytest.mark.parametrize(
    'layer, words',
    [('attn', 'outputs a map that the score does not depend on'), ('ffn', 'does not run')],
)
def test_the_last_cell_of_a_class_token_is_rejected(layer, words, classifier, image):
    explain = Explainer(classifier(CeiT, arch=BLOCKS), layer=f'backbone.stages.0.cells.2.{layer}')
    with pytest.raises(InputError, match=words):
        explain(image)


def test_with_a_single_cell_the_reduction_is_drawn(classifier, image):
    arch = dict(BLOCKS, depths=(1,))
    assert Explainer(classifier(CeiT, arch=arch))(image).layer == 'backbone.stages.0.reduction'


def test_maps_of_one_position_are_skipped(classifier, tmp_path):
    cv2.imwrite(
        str(tmp_path / 'small.png'), np.random.RandomState(0).randint(0, 256, (32, 32, 3), np.uint8)
    )
    shown = Explainer(classifier(ViTAEv2, arch=FOUR_STAGES))(tmp_path / 'small.png')
    assert shown.layer == 'backbone.stages.2.cells.1.attn'


@pytest.mark.parametrize(
    'backbone, width, layer, grid',
    [
        (dict(type='ResNet', depth=18), 512, 'backbone.layer4.1.bn2', (3, 5)),
        (
            dict(
                type='VisionTransformer',
                arch=dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=16),
                img_size=SIZE,
            ),
            16,
            'backbone.layers.1.ln1',
            (5, 9),
        ),
    ],
)
def test_networks_of_mmpretrain_are_explained(backbone, width, layer, grid, config, build, image):
    cfg = config(ViTAE, arch=PATCH)
    cfg.model.backbone = backbone
    cfg.model.neck = dict(type='GlobalAveragePooling') if width > 16 else None
    cfg.model.head.in_channels = width
    explain = Explainer(build(cfg))
    maps = [explain(image, category) for category in range(4)]
    assert {shown.layer for shown in maps} == {layer} and any(shown.heat.any() for shown in maps)
    for category, shown in enumerate(maps):
        wanted = grad_cam(explain.model, layer, image, category, grid)
        assert shown.heat == pytest.approx(wanted, abs=1e-3)


def test_classes_are_named_and_counted(config, build, image):
    cfg = config(ViTAE, arch=PATCH)
    cfg.test_dataloader.dataset.metainfo = dict(classes=('newt', 'toad', 'frog', 'eft'))
    explain = Explainer(build(cfg))
    logits = explain.model(normalized(image), mode='tensor')[0].softmax(0)
    best, worst = int(logits.argmax()), int(logits.argmin())
    names = [f'{explain.model.dataset_meta["classes"][i]} {logits[i]:.2f}' for i in (best, worst)]
    assert explain(image).caption == explain(image, best).caption == names[0]
    assert explain(image, worst).caption == f'{names[1]}, predicted {names[0]}'
    for category in (-1, 4):
        with pytest.raises(InputError, match=f'category {category}: .*4 classes; .* 0 to 3'):
            explain(image, category)


def test_a_segmentor_explains_its_pixels(other_task, image):
    explain = Explainer(other_task('mmseg'), method='hirescam')
    nn.init.normal_(explain.model.decode_head.conv_seg.weight)
    shown = explain(image)
    assert shown.layer == 'backbone.stages.1.cells.0.attn'
    # padded to 192x256, which is ignored, and cropped again
    inputs = explain.model.data_preprocessor(
        dict(inputs=[torch.from_numpy(cv2.imread(str(image))).permute(2, 0, 1)]), False
    )['inputs']
    stride = inputs.shape[2] // explain.model(inputs).shape[2]
    labels = explain.model(inputs)[0, :, : -(-SIZE[0] // stride), : -(-SIZE[1] // stride)].argmax(0)
    most = labels.flatten().bincount().max() / labels.numel()
    assert shown.caption.endswith(f' {most:.0%} of the pixels')
    assert shown.heat.shape == SIZE and shown.image.shape == (*SIZE, 3)
    name, share, *_ = shown.caption.split()
    assert name in explain.model.dataset_meta['classes'] and share.endswith('%')
    explain.model.decode_head.conv_seg.bias.data[1] -= 1000
    with pytest.raises(InputError, match=r'category 1: no pixel is predicted as .*; give one'):
        explain(image, 1)


@pytest.mark.parametrize('method', [None, *WITHOUT_SCORE])
@pytest.mark.parametrize('scope', ['mmdet', 'mmpose'])
def test_networks_without_a_score_show_their_maps(scope, method, other_task, image):
    explain = Explainer(other_task(scope), method=method)
    shown = explain(image)
    assert shown.layer == 'backbone.stages.1.cells.0.attn' and shown.caption == ''
    size = dict(mmdet=(48, 64), mmpose=(64, 64))[scope]
    assert shown.heat.shape == size and shown.image.shape == (*size, 3)
    assert 0 <= shown.heat.min() < shown.heat.max() <= 1
    with pytest.raises(InputError, match='category 0: no score of a class'):
        explain(image, 0)


@pytest.mark.parametrize('method', WITHOUT_SCORE)
def test_methods_without_a_score_reject_a_class(method, classifier, image):
    explain = Explainer(classifier(ViTAE, arch=PATCH), method=method)
    assert explain(image).caption == ''
    with pytest.raises(InputError, match='category 1: no score of a class of ImageClassifier'):
        explain(image, 1)


@pytest.mark.parametrize('method', WITH_SCORE)
def test_methods_that_need_a_score_are_rejected(method, other_task):
    with pytest.raises(InputError, match='RetinaNet of mmdet has no .* one of eigencam, fem'):
        Explainer(other_task('mmdet'), method=method)


@pytest.mark.parametrize(
    'pipeline, to_rgb',
    [
        ([dict(type='LoadImageFromFile'), dict(type='PackInputs')], True),
        ([dict(type='PackInputs')], False),
    ],
)
def test_images_keep_their_colors(pipeline, to_rgb, config, build, image):
    # datasets without image files, such as CIFAR-10, provide RGB images
    cfg = config(ViTAE, arch=PATCH)
    cfg.test_dataloader.dataset.pipeline = pipeline
    cfg.model.data_preprocessor.update(to_rgb=to_rgb, mean=[100.0, 120.0, 140.0])
    shown = Explainer(build(cfg))(image).image
    assert (shown == cv2.imread(str(image))[..., ::-1]).all()


def test_a_missing_package_is_reported(classifier, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pytorch_grad_cam', None)
    with pytest.raises(InputError, match='needs the package grad-cam .* requirements/optional'):
        Explainer(classifier(ViTAE, arch=PATCH))


def test_unknown_methods_are_rejected(classifier):
    with pytest.raises(InputError, match="method 'cam': give one of gradcam, gradcam"):
        Explainer(classifier(ViTAE, arch=PATCH), method='cam')
