"""The published weights reproduce the published outputs."""

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS

from vitae_mm.backbones import ViTAEv2
from vitae_mm.checkpoints import convert_state_dict, identify_layout

from ..helpers import golden

slow = pytest.mark.slow
CLASSIFIERS = [
    ('ViTAEv2_S', dict(type='vitae_mm.ViTAEv2', arch='small'), 512),
    pytest.param('ViTAEv2_B', dict(type='vitae_mm.ViTAEv2', arch='base'), 1024, marks=slow),
    ('ViTAE_basic_Tiny', dict(type='vitae_mm.ViTAE', arch='tiny'), 256),
    pytest.param('ViTAE_basic_Small', dict(type='vitae_mm.ViTAE', arch='small'), 384, marks=slow),
    pytest.param('ViTAE_basic_Base', dict(type='vitae_mm.ViTAE', arch='base'), 768, marks=slow),
    ('ceit_tiny_patch16_224', dict(type='vitae_mm.CeiT', arch='tiny'), 192),
    ('ceit_tiny_patch16_384', dict(type='vitae_mm.CeiT', arch='tiny', img_size=384), 192),
    pytest.param('ceit_base_patch16_224', dict(type='vitae_mm.CeiT', arch='base'), 768, marks=slow),
]
DENSE = [('ViTAEv2_S', 'small'), pytest.param('ViTAEv2_B', 'base', marks=slow)]
SIZES = ['224x224', '224x320', '160x256', '416x608']


def converted(name):
    state = golden.published_weights(name)
    return convert_state_dict(state, identify_layout(state))


@pytest.mark.parametrize('name, backbone, width', CLASSIFIERS)
def test_classifiers_reproduce_the_golden_outputs(name, backbone, width):
    out_type = 'cls_token' if 'CeiT' in backbone['type'] else 'avg_featmap'
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(
            dict(
                type='ImageClassifier',
                backbone=dict(backbone, out_type=out_type),
                head=dict(type='LinearClsHead', num_classes=1000, in_channels=width),
            )
        )
    model.load_state_dict(converted(name), strict=True)
    model.eval()
    expected = golden.outputs(name)
    size = backbone.get('img_size', 224)
    with torch.no_grad():
        features = model.extract_feat(golden.image(2, 3, size, size))
        golden.assert_agree(features[-1], expected['features'])
        golden.assert_agree(model.head(features), expected['logits'])


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('name, arch', DENSE)
def test_dense_maps_reproduce_the_golden_outputs(name, arch, size):
    model = ViTAEv2(arch, out_indices=(0, 1, 2, 3)).eval()
    model.load_state_dict(
        {key.removeprefix('backbone.'): value for key, value in converted(f'{name}_dense').items()},
        strict=True,
    )
    expected = golden.outputs(f'{name}_dense')
    with torch.no_grad():
        maps = model(golden.image(1, 3, *map(int, size.split('x'))))
    for i, m in enumerate(maps):
        figures = dict(
            mean=m.mean((2, 3)), std=m.std((2, 3)), corner=m[0, :8, :6, :6], end=m[0, -8:, -6:, -6:]
        )
        assert m.shape == tuple(expected[f'{size}_s{i}_shape'])
        for figure, value in figures.items():
            golden.assert_agree(value, expected[f'{size}_s{i}_{figure}'])
