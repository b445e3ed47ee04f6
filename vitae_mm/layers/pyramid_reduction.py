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
        dim (int): Output channels (D), shared by the branches (|S| * E). If their number does not
            divide it, the first ones have one more than the others.
        kernel_size (int): Kernel of each convolution (k).
        ratio (int): Downsampling ratio (r).
        dilations (Sequence[int]): Dilation of each branch (S).
    """

    def __init__(
        self, in_dim: int, dim: int, *, kernel_size: int, ratio: int, dilations: Sequence[int]
    ):
        super().__init__()
        self.ratio = ratio
        share, rest = divmod(dim, len(dilations))
        self.branches = nn.ModuleList(
            nn.Conv2d(
                in_dim,
                share + (i < rest),
                kernel_size,
                stride=ratio,
                dilation=dilation,
                # the smallest padding that turns n * r positions into n
                padding=max(math.ceil(((kernel_size - 1) * dilation + 1 - ratio) / 2), 0),
            )
            for i, dilation in enumerate(dilations)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C_in) -> (B, H / r, W / r, D); r must divide H and W."""
        # (B, H, W, C_in) -> (B, C_in, H, W)
        x = to_conv(x)
        maps = [F.gelu(branch(x)) for branch in self.branches]
        # |S| x (B, E, H / r, W / r) -> (B, H / r, W / r, D)
        return from_conv(torch.cat(maps, dim=1))
