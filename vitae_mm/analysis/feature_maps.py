"""Maps of a layer: how its tokens are arranged on an image."""

from collections.abc import Iterator, Sequence
from math import prod

from torch import Tensor, nn

EXTRA_TOKENS = 2
"""Maximum number of tokens before those of a map: class and distillation token (DeiT)."""


def find_grid(count: int, image_size: Sequence[int]) -> tuple[int, int] | None:
    """Returns rows and columns of the largest map of an image (height, width) that ``count``
    tokens can form, up to :data:`EXTRA_TOKENS` excluded; None if there is none."""
    fitting = (grid for grid in grids(image_size) if 0 <= count - prod(grid) <= EXTRA_TOKENS)
    return next(fitting, None)


def grids(image_size: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Returns rows and columns of the maps of all strides, from the largest map to the smallest
    with more than one position. Positions on the right and at the bottom may extend beyond the
    image."""
    height, width = image_size
    return ((-(-height // stride), -(-width // stride)) for stride in range(1, max(image_size)))


def to_maps(output: object, layer: nn.Module, image_size: Sequence[int]) -> Tensor | None:
    """Converts a layer's output, or its gradient, to maps.

    Args:
        output: Map (B, H, W, C) or (B, C, H, W), or tokens (B, N, C), of which up to two precede
            those of a map.
        layer: The layer.
        image_size: Height and width of the images.

    Returns:
        (B, C, H, W) without class tokens; None for other outputs and for maps of one position.
    """
    if not isinstance(output, Tensor) or output.ndim not in (3, 4):
        return None
    if output.ndim == 3:
        grid = find_grid(output.shape[1], image_size)
        # (B, N, C) -> (B, C, H, W)
        return grid and output[:, -prod(grid) :].unflatten(1, grid).permute(0, 3, 1, 2)
    known = set(grids(image_size))
    channels_last, channels_first = output.shape[1:3] in known, output.shape[2:] in known
    if channels_last and channels_first:  # as many channels as columns
        ours = type(layer).__module__.startswith('vitae_mm.')
        channels_last = ours or isinstance(layer, nn.LayerNorm | nn.Linear)
    if channels_last:
        return output.permute(0, 3, 1, 2)
    return output if channels_first else None
