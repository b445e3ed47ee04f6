"""Attention of more windows than the fused CUDA kernels accept in one launch."""

import copy

import pytest
import torch
from torch.nn import functional as F

from vitae_mm.layers import WindowAttention
from vitae_mm.layers.attention import CUDA_BATCH_LIMIT, scaled_dot_product

from .passes import difference

WINDOWS = CUDA_BATCH_LIMIT + 4465
PART = 10_000
TOLERANCES = {torch.float32: 1e-5, torch.bfloat16: 3e-2, torch.float16: 4e-3}
"""Largest differences, relative to the largest value. The gradients of a shared bias are sums over
the windows of a part, which are added in the dtype."""


def in_parts(q, k, v, bias):
    """Attention of a few windows at a time."""
    parts = [slice(i, i + PART) for i in range(0, len(q), PART)]
    return torch.cat(
        [
            F.scaled_dot_product_attention(
                q[part],
                k[part],
                v[part],
                attn_mask=bias[part] if bias is not None and len(bias) > 1 else bias,
            )
            for part in parts
        ]
    )


@pytest.mark.parametrize('dtype', TOLERANCES, ids=['fp32', 'bf16', 'fp16'])
@pytest.mark.parametrize('biases', [0, 1, WINDOWS], ids=['plain', 'shared-bias', 'own-bias'])
def test_many_windows_equal_a_computation_in_parts(biases, dtype, device):
    options = dict(dtype=dtype, device=device, requires_grad=True)
    inputs = [torch.randn(WINDOWS, 2, 16, 16, **options) for _ in range(3)]
    if biases:
        inputs.append(torch.randn(biases, 2, 16, 16, **options))
    weight = torch.randn(WINDOWS, 2, 16, 16, dtype=dtype, device=device)
    results = []
    for attend in (scaled_dot_product, in_parts):
        output = attend(*inputs, *[None] * (4 - len(inputs)))
        results.append([output, *torch.autograd.grad((output * weight).sum(), inputs)])
    for ours, theirs in zip(*results, strict=True):
        assert ours.isfinite().all()
        assert difference(ours, theirs) <= TOLERANCES[dtype]


@pytest.mark.parametrize('shifted', [False, True], ids=['plain', 'biased'])
def test_many_windows_of_a_map_equal_the_cpu(shifted, device):
    # 260 x 260 windows
    module = WindowAttention(8, 8, 1, window_size=2, shifted=shifted, relative_position=shifted)
    on_device = copy.deepcopy(module).to(device)
    maps = torch.randn(1, 520, 520, 8)
    outputs = []
    for attention, x in ((module, maps), (on_device, maps.to(device))):
        outputs.append(attention(x))
        outputs[-1].square().mean().backward()
    assert difference(outputs[1], outputs[0]) <= 1e-4
    for ours, theirs in zip(on_device.parameters(), module.parameters(), strict=True):
        assert (ours.grad.cpu() - theirs.grad).norm() <= 1e-3 * theirs.grad.norm()
