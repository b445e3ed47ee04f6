import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vitae_mm.layers import ParallelConv, inflate_kernel, is_inflatable


def test_equals_the_equation():
    module = ParallelConv(4, (8, 8), 12, groups=4, strides=(2, 2, 1)).double().eval()
    x = torch.rand(1, 8, 12, 4).double()

    def conv(layer, y, stride):
        return F.conv2d(y, layer.weight, layer.bias, stride, padding=1, groups=4)

    y = F.silu(module.norm1(conv(module.conv1, x.permute(0, 3, 1, 2), 2)))
    y = F.silu(module.norm2(conv(module.conv2, y, 2)))
    y = conv(module.conv3, y, 1)
    torch.testing.assert_close(module(x).permute(0, 3, 1, 2), y)


@pytest.mark.parametrize(
    'hidden_dims, options, names',
    [
        ((8, 8), {}, 'conv1 norm1 act1 conv2 norm2 act2 conv3'),
        ((8, 8), dict(norm_first=False, act_last=True), 'conv1 act1 conv2 norm2 act2 conv3 act3'),
        ((8,), {}, 'conv1 norm1 act1 conv2'),
        ((8,), dict(norm_layer=None), 'conv1 act1 conv2'),
    ],
    ids=['default', 'isotropic', 'shallow', 'no norms'],
)
def test_layers_are_in_order(hidden_dims, options, names):
    module = ParallelConv(4, hidden_dims, 12, groups=4, **options)
    assert [name for name, _ in module.named_children()] == names.split()


def test_every_convolution_needs_a_stride():
    with pytest.raises(ValueError, match='zip'):
        ParallelConv(4, (8, 8), 12, groups=4, strides=(2, 1))


def test_norm_layer_is_used():
    module = ParallelConv(4, (8, 8), 4, groups=1, norm_layer=lambda dim: nn.GroupNorm(2, dim))
    assert isinstance(module.norm1, nn.GroupNorm) and module.norm1.num_channels == 8


@pytest.mark.parametrize(
    'options',
    [
        {},
        dict(norm_first=False, act_last=True),
        dict(norm_layer=None),
        dict(norm_layer=lambda dim: nn.GroupNorm(2, dim)),
    ],
    ids=['batch norms', 'isotropic', 'no norms', 'group norms'],
)
def test_training_equals_that_of_the_plain_layers(options):
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


def test_training_stores_the_outputs_of_convolutions_only():
    module = ParallelConv(4, (8, 8), 4, groups=1)
    sizes = []

    def pack(tensor):
        if tensor.dim() == 4 and not isinstance(tensor, nn.Parameter):
            sizes.append(tensor.shape[1])
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module(torch.rand(1, 5, 5, 4).requires_grad_())
    assert sizes == [4, 8, 8]  # the input, and the outputs of the first two convolutions
    module.norm1 = module.norm2 = nn.SyncBatchNorm(8)
    assert not any(map(module._saves, module.parts))


def test_loaded_1x1_kernels_are_inflated():
    small = ParallelConv(4, (8,), 4, groups=2, kernel_size=1).eval()
    large = ParallelConv(4, (8,), 4, groups=2).eval()
    large.load_state_dict(small.state_dict())
    x = torch.rand(2, 5, 6, 4)
    torch.testing.assert_close(large(x), small(x))
    assert large.conv1.weight.shape == (8, 2, 3, 3)
    assert large.adapts('conv1.weight', small.conv1.weight.shape)
    assert not large.adapts('conv1.weight', torch.Size((8, 4, 1, 1)))
    assert not large.adapts('conv1.bias', torch.Size((8,)))


def test_inflated_kernels_are_zero_except_at_the_center():
    weight = torch.rand(4, 2, 1, 1)
    inflated = inflate_kernel(weight, 5)
    assert torch.equal(inflated[..., 2:3, 2:3], weight)
    assert inflated.count_nonzero() == weight.count_nonzero()


@pytest.mark.parametrize(
    'shape, wanted, expected',
    [
        ((4, 2, 1, 1), (4, 2, 3, 3), True),
        ((4, 2, 1, 1), (4, 2, 1, 1), False),
        ((4, 2, 3, 3), (4, 2, 5, 5), False),
        ((4, 1, 1, 1), (4, 2, 3, 3), False),
        ((4,), (4, 2, 3, 3), False),
    ],
)
def test_only_1x1_kernels_are_inflatable(shape, wanted, expected):
    assert is_inflatable(torch.Size(shape), torch.Size(wanted)) is expected
