"""The published weights reproduce the published outputs on a GPU."""

from functools import lru_cache

import pytest
import torch
from torch.nn import functional as F

from vitae_mm.backbones import CeiT, ViTAE, ViTAEv2
from vitae_mm.checkpoints import convert_state_dict, identify_layout

from ..helpers import golden
from ..helpers.archs import classifier_out_type
from .passes import difference

CLASSIFIERS = [
    ('ViTAEv2_S', ViTAEv2, dict(arch='small')),
    ('ViTAEv2_B', ViTAEv2, dict(arch='base')),
    ('ViTAE_basic_Tiny', ViTAE, dict(arch='tiny')),
    ('ViTAE_basic_Small', ViTAE, dict(arch='small')),
    ('ViTAE_basic_Base', ViTAE, dict(arch='base')),
    ('ceit_tiny_patch16_224', CeiT, dict(arch='tiny')),
    ('ceit_tiny_patch16_384', CeiT, dict(arch='tiny', img_size=384)),
    ('ceit_base_patch16_224', CeiT, dict(arch='base')),
]
DENSE = [('ViTAEv2_S_dense', 'small'), ('ViTAEv2_B_dense', 'base')]
SIZES = ['224x224', '224x320', '160x256', '416x608']

# autocast on CPUs differs by up to 4e-2 and 4e-3
TOLERANCES = {torch.float32: golden.TOLERANCE, torch.bfloat16: 8e-2, torch.float16: 1e-2}

dtypes = pytest.mark.parametrize('dtype', TOLERANCES, ids=['fp32', 'bf16', 'fp16'])


@lru_cache(maxsize=1)
def converted(name):
    state = golden.published_weights(name)
    return convert_state_dict(state, identify_layout(state))


def load(model, name, device):
    """Loads converted weights; returns the model in eval mode on the device."""
    prefix = 'backbone.'
    weights = {
        key.removeprefix(prefix): value
        for key, value in converted(name).items()
        if key.startswith(prefix)
    }
    model.load_state_dict(weights, strict=True)
    return model.eval().to(device)


@torch.no_grad()
def forward(model, images, dtype):
    """Returns the outputs in float32; other dtypes are those of autocast."""
    with torch.autocast(images.device.type, dtype=dtype, enabled=dtype != torch.float32):
        return [output.float() for output in model(images)]


@dtypes
@pytest.mark.parametrize('name, network, options', CLASSIFIERS)
def test_classifiers_reproduce_the_golden_outputs(name, network, options, dtype, device):
    model = load(network(**options, out_type=classifier_out_type(network)), name, device)
    size = options.get('img_size', 224)
    features = forward(model, golden.image(2, 3, size, size).to(device), dtype)[-1].cpu()
    head = converted(name)
    logits = F.linear(features, head['head.fc.weight'], head['head.fc.bias'])
    expected = golden.outputs(name)
    assert difference(features, expected['features']) <= TOLERANCES[dtype]
    assert difference(logits, expected['logits']) <= TOLERANCES[dtype]


@dtypes
@pytest.mark.parametrize('name, arch', DENSE)
def test_dense_maps_reproduce_the_golden_outputs(name, arch, dtype, device):
    model = load(ViTAEv2(arch, out_indices=(0, 1, 2, 3)), name, device)
    expected = golden.outputs(name)
    for size in SIZES:
        maps = forward(model, golden.image(1, 3, *map(int, size.split('x'))).to(device), dtype)
        for i, m in enumerate(maps):
            assert m.shape == tuple(expected[f'{size}_s{i}_shape'])
            figures = dict(
                mean=m.mean((2, 3)),
                std=m.std((2, 3)),
                corner=m[0, :8, :6, :6],
                end=m[0, -8:, -6:, -6:],
            )
            for figure, value in figures.items():
                key = f'{size}_s{i}_{figure}'
                assert difference(value, expected[key]) <= TOLERANCES[dtype], key
