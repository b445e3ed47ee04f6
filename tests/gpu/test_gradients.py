"""Outputs, gradients and batch-norm statistics on a GPU equal those on the CPU."""

import copy

import pytest
import torch

from vitae_mm.layers import WindowAttention

from ..helpers.archs import FAST, NARROW, classifier_out_type
from .passes import assert_equal, build, loss_of, run

CASES = {
    **{name: (*pair, {}) for name, pair in NARROW.items()},
    'shifted-windows': (*NARROW['vitaev2'], dict(shift_window=True, relative_position=True)),
    'performer': (*NARROW['vitaev2'], dict(attention=['performer'] * 4)),
    'class-token': (*NARROW['vitae_patch'], dict(out_type='cls_token')),
    'sinusoids': (
        *NARROW['vitae'],
        dict(class_token=True, position='sinusoid', final_norm='tokens', out_type='cls_token'),
    ),
    **{
        f'{network.__name__}-{arch}': (network, arch, dict(out_type=classifier_out_type(network)))
        for network, arch in FAST
    },
}


@pytest.mark.parametrize('network, arch, options', CASES.values(), ids=CASES)
def test_training_equals_the_cpu(network, arch, options, device):
    model = build(network, arch, **options)
    images = torch.randn(2, 3, 75, 131)
    theirs = run(model, images)
    assert_equal(run(copy.deepcopy(model).to(device), images.to(device)), theirs)


@pytest.mark.parametrize('relative_position', [False, True], ids=['plain', 'relative'])
@pytest.mark.parametrize('shifted', [False, True], ids=['regular', 'shifted'])
def test_window_attention_equals_the_cpu(shifted, relative_position, device):
    module = WindowAttention(
        16, 24, 3, shifted=shifted, relative_position=relative_position
    ).requires_grad_(True)
    # odd numbers of windows, of which the last ones are padded
    maps = torch.randn(3, 17, 30, 16)
    outputs, gradients = [], []
    for attention in (module, copy.deepcopy(module).to(device)):
        x = maps.to(next(attention.parameters()).device).requires_grad_()
        y = attention(x)
        loss_of([y]).backward()
        outputs.append(y.detach().cpu())
        gradients.append([x.grad.cpu(), *(p.grad.cpu() for p in attention.parameters())])
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(gradients[1], gradients[0], strict=True):
        assert (ours - theirs).norm() <= 1e-4 * theirs.norm()
