import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PyramidReduction(nn.Module):
    """Pyramid reduction (PRM): parallel dilated convs that shrink a map.

    ViTAE, "Reduction cell": for every dilation ``s`` of ``S`` a ``k x k`` conv with
    stride ``r``, then GELU, concatenated over channels in the order of ``S``.

    Args:
        in_dim (int): Channels of the input map.
        branch_dim (int): Channels of each branch (E).
        kernel_size (int): Kernel of each conv (k).
        ratio (int): Downsampling ratio (r).
        dilations (Sequence[int]): Dilation of each branch (S).
    """

    def __init__(
        self, in_dim: int, branch_dim: int, kernel_size: int, ratio: int, dilations: Sequence[int]
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
                padding=reduction_padding(kernel_size, ratio, dilation),
            )
            for dilation in dilations
        )

    def forward(self, x: Tensor) -> Tensor:
        """
        Args:
            x: Map, (B, H, W, C_in); the ratio divides H and W.

        Returns:
            Map, (B, H / r, W / r, |S| * E).
        """
        x = x.permute(0, 3, 1, 2)
        maps = [F.gelu(branch(x)) for branch in self.branches]
        return torch.cat(maps, dim=1).permute(0, 2, 3, 1)


def reduction_padding(kernel_size: int, ratio: int, dilation: int) -> int:
    """Zero padding with which ``n * r`` cells become ``n``."""
    return max(math.ceil(((kernel_size - 1) * dilation + 1 - ratio) / 2), 0)
