"""The networks of the package equal the plain ones, for every arch and size."""

import pytest
import torch

from vitae_mm.backbones import CeiT, ViTAE, ViTAEv2

from ..helpers.archs import FAST, PUBLISHED, classifier_out_type
from ..helpers.stacks import needs_torch
from .network import PlainNetwork

TOLERANCE = 1e-4
"""For float32, relative to the largest value."""

# divisible by every stride, odd, and smaller than a window at every stride
SIZES = [(224, 224), (75, 131), (20, 33)]
OTHERS = [pair for *pair, millions in PUBLISHED if tuple(pair) not in FAST and millions < 100]


def build(network, arch, size, **options):
    if network is CeiT or (arch == 'base' and network is ViTAE):
        options['img_size'] = size
    torch.manual_seed(0)
    model = network(arch, out_type=classifier_out_type(network), **options)
    for name, buffer in model.named_buffers():
        if name.endswith('running_mean'):
            buffer.normal_(std=0.1)
        elif name.endswith('running_var'):
            buffer.uniform_(0.5, 1.5)
    return model


def assert_close(ours, theirs, tolerance=TOLERANCE):
    assert (ours - theirs).abs().max() <= tolerance * theirs.abs().max()


@pytest.mark.parametrize('size', SIZES, ids=str)
@pytest.mark.parametrize(
    'network, arch', [*FAST, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in OTHERS)]
)
@torch.no_grad()
def test_outputs_are_equal(network, arch, size):
    model = build(network, arch, size).eval()
    images = torch.randn(2, 3, *size)
    assert_close(model(images)[0], PlainNetwork(model)(images)[0])


@torch.no_grad()
def test_maps_are_equal():
    model = ViTAEv2('small', out_indices=(0, 1, 2, 3)).eval()
    images = torch.randn(1, 3, 90, 62)
    for ours, theirs in zip(model(images), PlainNetwork(model)(images), strict=True):
        assert_close(ours, theirs)


@pytest.mark.parametrize('with_cp', [False, True])
@pytest.mark.parametrize('network, arch', FAST)
def test_gradients_are_equal(network, arch, with_cp):
    size = (40, 56)
    model = build(network, arch, size, with_cp=with_cp).double().train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    images = torch.randn(2, 3, *size).double()
    gradients = []
    for function in (model, PlainNetwork(model)):
        function(images)[0].square().sum().backward()
        gradients.append(
            {name: value.grad for name, value in model.named_parameters() if value.grad is not None}
        )
        model.zero_grad(set_to_none=True)
    ours, theirs = gradients
    largest = max(value.abs().max() for value in theirs.values())
    for name, value in ours.items():
        # the gradient of a bias before a batch norm consists of rounding errors
        bound = 1e-8 * theirs[name].abs().max() + 1e-12 * largest
        assert (value - theirs[name]).abs().max() <= bound


@pytest.mark.parametrize(
    'dtype, tolerance',
    [
        (torch.bfloat16, 0.05),
        pytest.param(torch.float16, 0.01, marks=needs_torch('2.3', 'float16 on CPUs')),
    ],
)
@pytest.mark.parametrize('network, arch', FAST)
@torch.no_grad()
def test_half_precision_is_close(network, arch, dtype, tolerance):
    """As close to the plain network in float32 as mantissas of 8 and 11 bits allow."""
    size = (64, 96)
    model = build(network, arch, size).eval()
    images = torch.randn(2, 3, *size)
    theirs = PlainNetwork(model)(images)[0]
    with torch.autocast('cpu', dtype):
        ours = model(images)[0]
    assert_close(ours.float(), theirs, tolerance)
