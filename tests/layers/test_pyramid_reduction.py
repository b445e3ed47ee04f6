import pytest
import torch
from torch.nn import functional as F

from vitae_mm.layers import PyramidReduction


@pytest.mark.parametrize('kernel_size, ratio', [(7, 4), (3, 2), (3, 1), (8, 8)])
def test_every_branch_downsamples_by_the_ratio(kernel_size, ratio):
    module = PyramidReduction(3, 16, kernel_size=kernel_size, ratio=ratio, dilations=(1, 2, 3, 4))
    assert module(torch.rand(2, 6 * ratio, 2 * ratio, 3)).shape == (2, 6, 2, 16)


def test_equals_the_equation():
    module = PyramidReduction(3, 8, kernel_size=3, ratio=2, dilations=(1, 2)).double()
    x = torch.rand(1, 8, 10, 3).double()
    # padding ceil(((3 - 1) * s + 1 - 2) / 2) is 1 for s = 1 and 2 for s = 2
    plain = [
        F.gelu(F.conv2d(x.permute(0, 3, 1, 2), b.weight, b.bias, stride=2, dilation=s, padding=s))
        for b, s in zip(module.branches, (1, 2), strict=True)
    ]
    torch.testing.assert_close(module(x).permute(0, 3, 1, 2), torch.cat(plain, 1))
