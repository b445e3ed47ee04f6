"""The two cells that all networks are made of."""
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import StochasticDepth

from vitae_mm.layers import (FeedForward, FullAttention, ParallelConv, PerformerAttention,
                             PyramidReduction, WindowAttention)

REDUCTION_EPS = 1e-5
NORMAL_EPS = 1e-6
"""LayerNorm epsilons of the published weights; the two cells differ."""

PERFORMER_DROP = .1
"""Dropout of reduction cells with Performer attention."""


@dataclass(frozen=True)
class WindowOptions:
    """How window attention is done: size, Swin's shift, Swin's position bias."""
    size: int = 7
    shifted: bool = False
    relative_position: bool = False


def build_attention(kind: str, in_dim: int, dim: int, num_heads: int, window: WindowOptions,
                    reduction: bool = False, drop_rate: float = 0.) -> nn.Module:
    """Attention of a cell.

    A reduction cell's full attention has no qkv bias and adds the values to
    its output, as the published weights have it.

    Args:
        kind: 'window', 'full' or 'performer'.
        in_dim: Channels of the input.
        dim: Channels of q, k, v and of the output.
        num_heads: Heads.
        window: Read by the kind 'window' alone.
        reduction: Whether the cell is a reduction cell.
        drop_rate: Dropout after the projection.
    """
    if kind == 'window':
        return WindowAttention(in_dim, dim, num_heads, window.size, window.shifted,
                               window.relative_position, drop_rate)
    if kind == 'full':
        return FullAttention(in_dim, dim, num_heads, qkv_bias=not reduction,
                             value_skip=reduction, drop_rate=drop_rate)
    return PerformerAttention(in_dim, dim, num_heads, drop_rate)


class ReductionCell(nn.Module):
    """Reduction cell (RC): shrinks the map and brings in scales and locality.

    ViTAE, "Reduction cell": ``a = Attn(LN(PRM(x)))``, ``y = a + PCM(x)``,
    ``out = y + FFN(LN(y))``. A map that the ratio does not divide is
    zero-padded at its right and bottom first.

    Args:
        in_dim (int): Channels of the input map.
        branch_dim (int): Channels of each pyramid branch (E).
        dim (int): Channels of the output map (D).
        num_heads (int): Attention heads.
        kernel_size (int): Kernel of the pyramid convs (k).
        ratio (int): Downsampling ratio (r): 1, 2, 4 or 8.
        dilations (Sequence[int]): Dilations of the pyramid convs (S).
        groups (int): Groups of the parallel convs.
        attention (str): 'window', 'full' or 'performer'.
        window (WindowOptions): For window attention.
        norm_layer (Callable): Channels -> norm of the parallel convs.
        drop_rate (float): Dropout after the attention's projection and in
            the FFN; at least 0.1 with Performer attention. Defaults to 0.
    """

    def __init__(self, in_dim: int, branch_dim: int, dim: int, num_heads: int, kernel_size: int,
                 ratio: int, dilations: Sequence[int], groups: int, attention: str,
                 window: WindowOptions, norm_layer: Callable[[int], nn.Module],
                 drop_rate: float = 0.):
        super().__init__()
        self.ratio = ratio
        if attention == 'performer':
            drop_rate = max(drop_rate, PERFORMER_DROP)
        pyramid_dim = branch_dim * len(dilations)
        self.prm = PyramidReduction(in_dim, branch_dim, kernel_size, ratio, dilations)
        self.pcm = ParallelConv(in_dim, (branch_dim, branch_dim), dim, groups,
                                reduction_strides(ratio), norm_layer)
        self.norm1 = nn.LayerNorm(pyramid_dim, eps=REDUCTION_EPS)
        self.attn = build_attention(attention, pyramid_dim, dim, num_heads, window,
                                    reduction=True, drop_rate=drop_rate)
        self.norm2 = nn.LayerNorm(dim, eps=REDUCTION_EPS)
        self.ffn = FeedForward(dim, dim, drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C_in) -> (B, ceil(H / r), ceil(W / r), D)."""
        height, width = x.shape[1:3]
        rows, cols = -height % self.ratio, -width % self.ratio
        if rows or cols:
            x = F.pad(x, (0, 0, 0, cols, 0, rows))
        x = self.attn(self.norm1(self.prm(x))) + self.pcm(x)
        return x + self.ffn(self.norm2(x))


class NormalCell(nn.Module):
    """Normal cell (NC): attention and parallel convs side by side, then FFN.

    ViTAE, "Normal cell": ``y = x + Attn(LN(x)) + PCM(x)``, ``out = y + FFN(LN(y))``,
    with stochastic depth on each of the three branches.

    Args:
        dim (int): Channels of the map (D).
        num_heads (int): Attention heads.
        groups (int): Groups of the parallel convs.
        mlp_ratio (float): Hidden channels of the FFN and of the parallel
            convs, as a multiple of ``dim``.
        attention (str): 'window', 'full' or 'performer'.
        window (WindowOptions): For window attention.
        norm_layer (Callable): Channels -> norm of the parallel convs.
        drop_path_rate (float): Share of samples a branch is dropped for.
            Defaults to 0.
        drop_rate (float): Dropout after the attention's projection and in
            the FFN. Defaults to 0.
    """

    def __init__(self, dim: int, num_heads: int, groups: int, mlp_ratio: float, attention: str,
                 window: WindowOptions, norm_layer: Callable[[int], nn.Module],
                 drop_path_rate: float = 0., drop_rate: float = 0.):
        super().__init__()
        hidden_dim = int(dim * mlp_ratio)
        self.norm1 = nn.LayerNorm(dim, eps=NORMAL_EPS)
        self.attn = build_attention(attention, dim, dim, num_heads, window, drop_rate=drop_rate)
        self.pcm = ParallelConv(dim, (hidden_dim, dim), dim, groups, norm_layer=norm_layer)
        self.norm2 = nn.LayerNorm(dim, eps=NORMAL_EPS)
        self.ffn = FeedForward(dim, hidden_dim, drop_rate)
        self.drop_path = StochasticDepth(drop_path_rate, mode='row')

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, D) -> (B, H, W, D)."""
        x = x + self.drop_path(self.attn(self.norm1(x))) + self.drop_path(self.pcm(x))
        return x + self.drop_path(self.ffn(self.norm2(x)))


def reduction_strides(ratio: int) -> tuple[int, int, int]:
    """Strides of the three parallel convs beside a reduction by ``ratio``:
    2 for as many leading convs as it takes, then 1."""
    halvings = ratio.bit_length() - 1
    return tuple(2 if i < halvings else 1 for i in range(3))


def linear_ramp(last: float, count: int) -> list[float]:
    """``count`` rates that rise linearly from 0 to ``last``."""
    return [last * i / max(count - 1, 1) for i in range(count)]
