"""Windows of a map: padding, partition, merge and the shift mask.

Pure functions on channels-last maps; the window is square, ``w`` cells wide.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

MASKED = -100.0
"""Added to the attention logits of cells from different regions (Swin, 3.2)."""


def pad_to_windows(x: Tensor, window: int) -> tuple[Tensor, int, int]:
    """Zero-pads a map to whole windows, half on each side, the smaller half
    first.

    Args:
        x: Map, (B, H, W, C).
        window: Cells along one side of a window.

    Returns:
        The padded map (B, H', W', C) and the rows and columns added before
        the first cell.
    """
    rows, cols = (next_multiple(side, window) - side for side in x.shape[1:3])
    top, left = rows // 2, cols // 2
    return pad_map(x, (top, rows - top), (left, cols - left)), top, left


def next_multiple(size: int, unit: int) -> int:
    """The least multiple of ``unit`` that is not below ``size``."""
    # of no negative number: ONNX would round it towards zero
    return (size + unit - 1) // unit * unit


def pad_map(x: Tensor, rows: tuple[int, int], cols: tuple[int, int]) -> Tensor:
    """Zero-pads a map (B, H, W, C) by rows above and below, and columns left
    and right."""
    # padding by nothing would copy
    if not are_open(rows + cols) and not any(rows + cols):
        return x
    return F.pad(x, (0, 0, *cols, *rows))


def are_open(sizes: Iterable[int]) -> bool:
    """Whether the network is being exported with sizes left open, about which
    nothing must be asked."""
    return any(isinstance(size, torch.SymInt) for size in sizes)


def partition_windows(x: Tensor, window: int) -> Tensor:
    """Cuts a map into windows.

    Args:
        x: Map, (B, H, W, C); ``window`` divides H and W.
        window: Cells along one side of a window.

    Returns:
        Tokens of each window, (B * H/w * W/w, w * w, C), row by row.
    """
    batch, height, width, dim = x.shape
    # (B, H, W, C) -> (B, H/w, w, W/w, w, C)
    x = x.reshape(batch, height // window, window, width // window, window, dim)
    # -> (B, H/w, W/w, w, w, C) -> (B * H/w * W/w, w * w, C)
    return x.transpose(2, 3).reshape(-1, window * window, dim)


def merge_windows(windows: Tensor, window: int, height: int, width: int) -> Tensor:
    """Puts windows back into a map; the inverse of :func:`partition_windows`.

    Args:
        windows: Tokens, (B * H/w * W/w, w * w, C).
        window: Cells along one side of a window.
        height, width: Size of the map, whole windows.

    Returns:
        Map, (B, H, W, C).
    """
    dim = windows.shape[-1]
    # (B * H/w * W/w, w * w, C) -> (B, H/w, W/w, w, w, C)
    x = windows.reshape(-1, height // window, width // window, window, window, dim)
    # -> (B, H/w, w, W/w, w, C) -> (B, H, W, C)
    return x.transpose(2, 3).reshape(-1, height, width, dim)


def shift_mask(
    height: int, width: int, window: int, shift: tuple[int, int], like: Tensor
) -> Tensor:
    """Attention bias that keeps cyclically shifted windows from mixing cells
    that are not neighbours (Swin Transformer, Sec. 3.2).

    Args:
        height, width: Size of the padded map, whole windows.
        window: Cells along one side of a window.
        shift: Rows and columns the map was rolled by.
        like: A tensor of the wanted dtype and device.

    Returns:
        (H/w * W/w, w * w, w * w): 0 within a region, -100 across regions.
    """

    def regions(size: int, step: int) -> Tensor:
        cell = torch.arange(size, device=like.device)
        if not step:
            return torch.zeros_like(cell)
        return (cell >= size - window).long() + (cell >= size - step).long()

    rows, cols = regions(height, shift[0]), regions(width, shift[1])
    labels = (3 * rows[:, None] + cols)[None, :, :, None]
    labels = partition_windows(labels, window).squeeze(-1)
    differ = labels[:, None, :] != labels[:, :, None]
    return differ.to(like.dtype) * MASKED
