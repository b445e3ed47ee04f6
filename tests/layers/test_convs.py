import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vitae_mm.layers import ParallelConv, PyramidReduction
from vitae_mm.layers.parallel_conv import _is_recomputed


@pytest.mark.parametrize('kernel, ratio', [(7, 4), (3, 2), (3, 1), (8, 8)])
def test_every_branch_shrinks_by_the_ratio(kernel, ratio):
    module = PyramidReduction(3, 4, kernel, ratio, dilations=(1, 2, 3, 4))
    assert module(torch.rand(2, 6 * ratio, 2 * ratio, 3)).shape == (2, 6, 2, 16)


def test_pyramid_reduction_equals_the_equation():
    module = PyramidReduction(3, 4, 3, 2, dilations=(1, 2))
    x = torch.rand(1, 8, 10, 3)
    nchw = x.permute(0, 3, 1, 2)
    # ceil(((3 - 1) * s + 1 - 2) / 2) is 1 and 2
    plain = [
        F.gelu(F.conv2d(nchw, b.weight, b.bias, stride=2, dilation=s, padding=p))
        for b, s, p in zip(module.branches, (1, 2), (1, 2), strict=True)
    ]
    assert torch.allclose(module(x).permute(0, 3, 1, 2), torch.cat(plain, 1), atol=1e-6)


def test_parallel_conv_equals_the_equation():
    module = ParallelConv(4, (8, 8), 12, groups=4, strides=(2, 2, 1)).eval()
    x = torch.rand(1, 8, 12, 4)
    y = F.silu(
        module.norm1(
            F.conv2d(x.permute(0, 3, 1, 2), module.conv1.weight, module.conv1.bias, 2, 1, groups=4)
        )
    )
    y = F.silu(module.norm2(F.conv2d(y, module.conv2.weight, module.conv2.bias, 2, 1, groups=4)))
    y = F.conv2d(y, module.conv3.weight, module.conv3.bias, 1, 1, groups=4)
    assert torch.allclose(module(x).permute(0, 3, 1, 2), y, atol=1e-6)


def test_parallel_conv_takes_another_norm():
    module = ParallelConv(4, (8, 8), 4, 1, norm_layer=lambda dim: nn.GroupNorm(2, dim))
    assert isinstance(module.norm1, nn.GroupNorm) and module.norm1.num_channels == 8


@pytest.mark.parametrize(
    'options',
    [
        dict(),
        dict(norm_first=False, act_last=True),
        dict(norm_layer=None),
        dict(norm_layer=lambda dim: nn.GroupNorm(2, dim)),
    ],
    ids=['batch norms', 'isotropic', 'no norms', 'group norms'],
)
def test_parallel_conv_trains_as_its_layers_do(options):
    torch.manual_seed(0)
    lean = ParallelConv(4, (8, 8), 12, groups=4, **options).double()
    plain = nn.Sequential(*copy.deepcopy(lean))
    x = torch.randn(2, 6, 7, 4).double()
    lean(x).square().sum().backward()
    plain(x.permute(0, 3, 1, 2)).square().sum().backward()
    for (name, ours), theirs in zip(lean.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, msg=name)
    for (name, ours), theirs in zip(lean.named_buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, msg=name)


def test_parallel_conv_stores_what_its_convs_put_out():
    module = ParallelConv(4, (8, 8), 4, 1)
    sizes = []

    def pack(tensor):
        if tensor.dim() == 4 and not isinstance(tensor, nn.Parameter):
            sizes.append(tensor.shape[1])
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module(torch.rand(1, 5, 5, 4).requires_grad_())
    assert sizes == [4, 8, 8]  # the input, and what the first two convs put out
    module.norm1 = module.norm2 = nn.SyncBatchNorm(8)
    assert not any(map(_is_recomputed, module._parts()))
