import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vitae_mm.layers import ImageToTokens


def test_equals_the_equation():
    module = ImageToTokens(3, 4, 6, ratio=8).eval()
    module.norm.running_mean.normal_()
    x = torch.rand(2, 16, 24, 3)
    y = F.conv2d(x.permute(0, 3, 1, 2), module.conv.weight, stride=2, padding=3)
    y = F.max_pool2d(module.norm(y), 3, stride=2, padding=1)
    y = F.conv2d(y, module.proj.weight, module.proj.bias, stride=2)
    torch.testing.assert_close(module(x).permute(0, 3, 1, 2), y)


@pytest.mark.parametrize('pool, patch', [(True, 4), (False, 8)])
def test_patches_are_twice_as_large_without_pooling(pool, patch):
    module = ImageToTokens(3, 4, 6, pool=pool)
    assert module.proj.kernel_size == module.proj.stride == (patch, patch)
    assert module(torch.rand(2, 32, 48, 3)).shape == (2, 2, 3, 6)


def test_a_bias_replaces_the_norm():
    module = ImageToTokens(3, 4, 6, norm_layer=None)
    assert isinstance(module.norm, nn.Identity) and module.conv.bias is not None
    assert ImageToTokens(3, 4, 6).conv.bias is None
