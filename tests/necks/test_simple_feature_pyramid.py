"""The simple feature pyramid equals its definition and builds in all codebases."""

from importlib import import_module

import pytest
import torch
from torch.nn import functional as F

from vitae_mm.errors import InputError
from vitae_mm.necks import SimpleFeaturePyramid


@pytest.mark.parametrize(
    'size, expected',
    [
        ((8, 12), [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]),
        ((5, 7), [(20, 28), (10, 14), (5, 7), (3, 4), (2, 2)]),
        ((1, 1), [(4, 4), (2, 2), (1, 1), (1, 1), (1, 1)]),
    ],
)
def test_outputs_double_keep_or_halve_the_size(size, expected):
    maps = SimpleFeaturePyramid(16, 8, num_outs=5)([torch.randn(2, 16, *size)])
    assert [tuple(x.shape) for x in maps] == [(2, 8, *sides) for sides in expected]
    assert all(x.is_contiguous() for x in maps)


def test_each_level_equals_the_definition_in_the_paper():
    torch.manual_seed(0)
    neck = SimpleFeaturePyramid(8, 4).double()
    neck.init_weights()
    x = torch.randn(1, 8, 6, 6).double()

    def norm(x, module):
        mean, var = x.mean(1, keepdim=True), x.var(1, unbiased=False, keepdim=True)
        weight, bias = (p[None, :, None, None] for p in (module.weight, module.bias))
        return (x - mean) / (var + 1e-5).sqrt() * weight + bias

    def deconv(x, module):
        return F.conv_transpose2d(x, module.weight, module.bias, stride=2)

    first, between, _, second = neck.scales[0]
    scaled = [
        deconv(F.gelu(norm(deconv(x, first), between)), second),
        deconv(x, neck.scales[1]),
        x,
        x.unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5)),
    ]
    for level, (conv1, norm1, conv2, norm2), out in zip(
        scaled, neck.projections, neck([x]), strict=True
    ):
        reduced = norm(F.conv2d(level, conv1.weight), norm1)
        expected = norm(F.conv2d(reduced, conv2.weight, padding=1), norm2)
        torch.testing.assert_close(out, expected)


def test_every_parameter_has_a_gradient():
    neck = SimpleFeaturePyramid(8, 4, num_outs=5)
    sum((x * torch.randn_like(x)).sum() for x in neck([torch.randn(1, 8, 4, 4)])).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in neck.parameters())


def test_only_the_last_map_is_used():
    neck = SimpleFeaturePyramid(8, 4)
    first, last = torch.randn(1, 3, 9, 9), torch.randn(1, 8, 4, 4)
    for a, b in zip(neck([first, last]), neck([last]), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize('package', ['mmdet', 'mmseg', 'mmpose', 'mmpretrain'])
def test_builds_in_every_codebase(package):
    models = import_module(f'{package}.registry').MODELS
    assert isinstance(
        models.build(dict(type='vitae_mm.SimpleFeaturePyramid', in_channels=8)),
        SimpleFeaturePyramid,
    )


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(in_channels=[64, 128]), r'in_channels=\[64, 128\].*FPN'),
        (dict(in_channels=6), 'in_channels=6: .*multiple of 4'),
        (dict(in_channels=8, num_outs=3), 'num_outs=3: .*at least 4'),
    ],
)
def test_invalid_options_are_rejected(options, message):
    with pytest.raises(InputError, match=message):
        SimpleFeaturePyramid(**options)
