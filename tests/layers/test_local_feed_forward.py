import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vitae_mm.layers import LocalFeedForward


@pytest.mark.parametrize('kernel_size', [3, 5])
@pytest.mark.parametrize('act_last', [False, True])
def test_equals_the_equation(kernel_size, act_last):
    module = LocalFeedForward(6, 12, kernel_size=kernel_size, act_last=act_last).eval()
    for norm in (module.norm1, module.norm2, module.norm3):
        norm.running_mean.normal_()
    x = torch.rand(2, 5, 7, 6)
    # 1x1 convolutions are linear layers over the channels
    y = F.linear(x, module.conv1.weight.flatten(1), module.conv1.bias).permute(0, 3, 1, 2)
    y = F.gelu(module.norm1(y))
    y = F.conv2d(y, module.conv2.weight, module.conv2.bias, padding=kernel_size // 2, groups=12)
    y = F.gelu(module.norm2(y)).permute(0, 2, 3, 1)
    y = F.linear(y, module.conv3.weight.flatten(1), module.conv3.bias).permute(0, 3, 1, 2)
    y = module.norm3(y)
    y = F.gelu(y) if act_last else y
    torch.testing.assert_close(module(x).permute(0, 3, 1, 2), y)


def test_norms_are_optional():
    module = LocalFeedForward(6, 12, norm_layer=None)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in module.modules())
    assert module(torch.rand(2, 5, 7, 6)).shape == (2, 5, 7, 6)
