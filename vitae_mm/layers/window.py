"""Windows of a map: padding, partition, merging and the shift mask.

Pure functions on channels-last maps; windows are square, of side ``w``.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from vitae_mm.compat import is_compiling, is_known

MASKED = -100.0
"""Attention bias between tokens of different regions (Swin Transformer, Sec. 3.2)."""


def pad_to_windows(x: Tensor, window: int) -> tuple[Tensor, int, int]:
    """Zero-pads a map to whole windows, half on each side, the smaller half first.

    Args:
        x: Map, (B, H, W, C).
        window: Side of a window (w).

    Returns:
        The padded map (B, H', W', C), the number of rows added at the top, and
        the number of columns added at the left.
    """
    rows, cols = (next_multiple(side, window) - side for side in x.shape[1:3])
    top, left = rows // 2, cols // 2
    return pad_map(x, (top, rows - top), (left, cols - left)), top, left


def next_multiple(size: int, unit: int) -> int:
    """Smallest multiple of ``unit`` that is at least ``size``."""
    # -(-size // unit) is wrong in ONNX, which rounds negative quotients towards zero
    return (size + unit - 1) // unit * unit


def pad_map(x: Tensor, rows: tuple[int, int], cols: tuple[int, int]) -> Tensor:
    """Zero-pads a map (B, H, W, C) by ``rows`` at top and bottom and ``cols``
    at left and right."""
    # F.pad copies the map even if nothing is added
    if is_known(sum(rows + cols) == 0):
        return x
    return F.pad(x, (0, 0, *cols, *rows))


def crop_map(x: Tensor, top: int, left: int, size: Sequence[int]) -> Tensor:
    """Cuts ``size`` rows and columns out of a map (B, H, W, C)."""
    x = x.narrow(1, top, size[0]).narrow(2, left, size[1])
    # as the strides of a view depend on the padding, each kind of padding would be compiled
    return x.clone(memory_format=torch.contiguous_format) if is_compiling() else x


def partition_windows(x: Tensor, window: int) -> Tensor:
    """Cuts a map into windows.

    Args:
        x: Map, (B, H, W, C); ``window`` must divide H and W.
        window: Side of a window (w).

    Returns:
        Tokens of each window, row by row, (B * H/w * W/w, w * w, C).
    """
    batch, height, width, dim = x.shape
    # (B, H, W, C) -> (B, H/w, w, W/w, w, C)
    x = x.reshape(batch, height // window, window, width // window, window, dim)
    # -> (B, H/w, W/w, w, w, C) -> (B * H/w * W/w, w * w, C)
    return x.transpose(2, 3).reshape(-1, window * window, dim)


def merge_windows(windows: Tensor, window: int, size: Sequence[int]) -> Tensor:
    """The inverse of :func:`partition_windows`.

    Args:
        windows: Tokens, (B * H/w * W/w, w * w, C).
        window: Side of a window (w).
        size: H and W.

    Returns:
        Map, (B, H, W, C).
    """
    (height, width), dim = size, windows.shape[-1]
    # (B * H/w * W/w, w * w, C) -> (B, H/w, W/w, w, w, C)
    x = windows.reshape(-1, height // window, width // window, window, window, dim)
    # -> (B, H/w, w, W/w, w, C) -> (B, H, W, C)
    return x.transpose(2, 3).reshape(-1, height, width, dim)


def shift_mask(size: Sequence[int], window: int, *, shift: Sequence[int], like: Tensor) -> Tensor:
    """Attention bias that keeps tokens of a cyclically shifted map from
    attending across its former borders (Swin Transformer, Sec. 3.2).

    Args:
        size: H and W of the padded map; ``window`` must divide them.
        window: Side of a window (w).
        shift: Rows and columns by which the map was rolled.
        like: Tensor with the dtype and device of the result.

    Returns:
        (H/w * W/w, w * w, w * w): 0 within a region, -100 across regions.
    """

    def regions(side: int, step: int) -> Tensor:
        position = torch.arange(side, device=like.device)
        if not step:
            return torch.zeros_like(position)
        return (position >= side - window).long() + (position >= side - step).long()

    rows, cols = map(regions, size, shift)
    # (H, W) -> (1, H, W, 1) -> (H/w * W/w, w * w)
    labels = (3 * rows[:, None] + cols)[None, :, :, None]
    labels = partition_windows(labels, window).squeeze(-1)
    differ = labels[:, None, :] != labels[:, :, None]
    return differ.to(like.dtype) * MASKED
