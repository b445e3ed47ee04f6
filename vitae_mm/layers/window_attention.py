"""Softmax self-attention within windows."""

import torch
from torch import Tensor, nn

from .attention import FullAttention
from .window import crop_map, merge_windows, pad_to_windows, partition_windows, shift_mask


class WindowAttention(FullAttention):
    """Multi-head self-attention within the windows of a map.

    ViTAEv2, "Window attention". The map is zero-padded to whole windows, half on each
    side; padded positions take part in the softmax, and the output is cropped.
    The published weights depend on this.

    Args:
        in_dim (int): Input channels (C_in).
        dim (int): Channels of q, k, v and the output (D).
        num_heads (int): Number of heads; must divide ``dim``.
        window_size (int): Side of a window (w). Defaults to 7.
        shifted (bool): Rolls the map by half a window first, along each axis
            with more than one window (Swin Transformer, Sec. 3.2). Defaults
            to False.
        relative_position (bool): Adds a learned bias for each offset within a
            window (Swin Transformer, Eq. 4). Defaults to False.
        drop_rate (float): Dropout after the projection. Defaults to 0.
    """

    position_index: Tensor

    def __init__(
        self,
        in_dim: int,
        dim: int,
        num_heads: int,
        *,
        window_size: int = 7,
        shifted: bool = False,
        relative_position: bool = False,
        drop_rate: float = 0.0,
    ):
        super().__init__(in_dim, dim, num_heads, drop_rate=drop_rate)
        self.window_size = window_size
        self.shifted = shifted
        self.relative_position = relative_position
        if relative_position:
            offsets = 2 * window_size - 1
            self.position_bias = nn.Parameter(torch.zeros(offsets * offsets, num_heads))
            nn.init.trunc_normal_(self.position_bias, std=0.02)
            self.register_buffer('position_index', position_index(window_size), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C_in) -> (B, H, W, D)."""
        inner = x.shape[1:3]
        x, top, left = pad_to_windows(x, self.window_size)
        size = x.shape[1:3]
        shift = self.shift(*size)
        if any(shift):
            x = x.roll((-shift[0], -shift[1]), dims=(1, 2))
        bias = self.logit_bias(x, shift)
        # (B, H', W', C_in) -> (B * windows, w * w, D) -> (B, H', W', D)
        x = self.attend(partition_windows(x, self.window_size), bias)
        x = merge_windows(x, self.window_size, size)
        if any(shift):
            x = x.roll(shift, dims=(1, 2))
        return crop_map(x, top, left, inner)

    def shift(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns by which a padded map of this size is rolled."""
        if not self.shifted:
            return 0, 0
        half = self.window_size // 2
        return (half if height > self.window_size else 0, half if width > self.window_size else 0)

    def logit_bias(self, x: Tensor, shift: tuple[int, int]) -> Tensor | None:
        """Relative position bias plus shift mask for a padded map.

        (B * windows or 1, heads or 1, w * w, w * w), or None for neither.
        """
        bias = None
        if self.relative_position:
            # (w * w, w * w, heads) -> (1, heads, w * w, w * w)
            bias = self.position_bias[self.position_index].permute(2, 0, 1)[None]
        if any(shift):
            mask = shift_mask(x.shape[1:3], self.window_size, shift=shift, like=x)
            # (windows, w * w, w * w) -> (B * windows, 1, w * w, w * w)
            mask = mask[:, None].repeat(x.shape[0], 1, 1, 1)
            bias = mask if bias is None else bias + mask
        return bias


def position_index(window: int) -> Tensor:
    """Row of the bias table for each pair of positions in a window, (w * w, w * w)."""
    side = torch.arange(window)
    # (2, w, w) -> (2, w * w)
    positions = torch.stack(torch.meshgrid(side, side, indexing='ij')).flatten(1)
    # offsets in 0 .. 2w - 2, (2, w * w, w * w)
    rows, cols = positions[:, :, None] - positions[:, None, :] + window - 1
    return rows * (2 * window - 1) + cols
