"""The plain networks reproduce the published figures."""

import pytest
import torch

from ..helpers import golden
from .ceit import ceit
from .vitae import vitae, vitae_patch
from .vitaev2 import maps, vitaev2

slow = pytest.mark.slow

CLASSIFIERS = [
    # golden figures, network, arch, image size
    ('ViTAEv2_S', vitaev2, 'small', 224),
    ('ViTAE_basic_Tiny', vitae, 'tiny', 224),
    ('ViTAE_basic_Small', vitae, 'small', 224),
    ('ceit_tiny_patch16_224', ceit, 'tiny', 224),
    ('ceit_tiny_patch16_384', ceit, 'tiny', 384),
    pytest.param('ViTAEv2_B', vitaev2, 'base', 224, marks=slow),
    pytest.param('ViTAE_basic_Base', vitae_patch, 'base', 224, marks=slow),
    pytest.param('ceit_base_patch16_224', ceit, 'base', 224, marks=slow),
]
SIZES = [(224, 224), (224, 320), (160, 256), (416, 608)]


@pytest.mark.parametrize('name, network, arch, size', CLASSIFIERS)
@torch.no_grad()
def test_classifiers_reproduce_the_golden_outputs(name, network, arch, size):
    outputs = network(golden.published_weights(name), golden.image(2, 3, size, size), arch)
    expected = golden.outputs(name)
    golden.assert_agree(outputs['logits'], expected['logits'])
    golden.assert_agree(outputs['features'], expected['features'])


@pytest.mark.parametrize('height, width', SIZES)
@pytest.mark.parametrize(
    'name, arch',
    [('ViTAEv2_S_dense', 'small'), pytest.param('ViTAEv2_B_dense', 'base', marks=slow)],
)
@torch.no_grad()
def test_dense_maps_reproduce_the_golden_outputs(name, arch, height, width):
    stages = maps(golden.published_weights(name), golden.image(1, 3, height, width), arch)
    expected = golden.outputs(name)
    for index, x in enumerate(stages):
        prefix = f'{height}x{width}_s{index}_'
        assert tuple(expected[prefix + 'shape']) == tuple(x.shape)
        golden.assert_agree(x.mean(dim=(2, 3)), expected[prefix + 'mean'])
        golden.assert_agree(x.std(dim=(2, 3)), expected[prefix + 'std'])
        golden.assert_agree(x[0, :8, :6, :6], expected[prefix + 'corner'])
        golden.assert_agree(x[0, -8:, -6:, -6:], expected[prefix + 'end'])
