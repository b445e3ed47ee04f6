"""Downsampling by parallel dilated convolutions."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .devices import from_conv, to_conv


class PyramidReduction(nn.Module):
    """Pyramid reduction module (PRM): parallel dilated convolutions that
    downsample a map.

    ViTAE, "Reduction cell": for each dilation ``s`` of ``S``, a ``k x k`` convolution
    with stride ``r`` and a GELU, concatenated over channels in the order of ``S``.

    Args:
        in_dim (int): Input channels (C_in).
        branch_dim (int): Channels of each branch (E).
        kernel_size (int): Kernel of each convolution (k).
        ratio (int): Downsampling ratio (r).
        dilations (Sequence[int]): Dilation of each branch (S).
    """

    def __init__(
        self,
        in_dim: int,
        branch_dim: int,
        *,
        kernel_size: int,
        ratio: int,
        dilations: Sequence[int],
    ):
        super().__init__()
        self.ratio = ratio
        self.branches = nn.ModuleList(
            nn.Conv2d(
                in_dim,
                branch_dim,
                kernel_size,
                stride=ratio,
                dilation=dilation,
                # the smallest padding that turns n * r positions into n
                padding=max(math.ceil(((kernel_size - 1) * dilation + 1 - ratio) / 2), 0),
            )
            for dilation in dilations
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C_in) -> (B, H / r, W / r, |S| * E); r must divide H and W."""
        # (B, H, W, C_in) -> (B, C_in, H, W)
        x = to_conv(x)
        maps = [F.gelu(branch(x)) for branch in self.branches]
        # |S| x (B, E, H / r, W / r) -> (B, H / r, W / r, |S| * E)
        return from_conv(torch.cat(maps, dim=1))
