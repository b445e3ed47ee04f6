"""Which map of an image a number of tokens is."""

from collections.abc import Iterator, Sequence
from math import prod

EXTRA_TOKENS = 2
"""Up to so many tokens may be before those of the map: class and distillation
token (DeiT)."""


def find_grid(count: int, image_size: Sequence[int]) -> tuple[int, int] | None:
    """The map that ``count`` tokens are of, up to :data:`EXTRA_TOKENS`.

    Args:
        count: Tokens in a sequence.
        image_size: Height and width of the image.

    Returns:
        Rows and columns of the largest map that fits; None if there is none.
    """
    return next(
        (grid for grid in grids(image_size) if 0 <= count - prod(grid) <= EXTRA_TOKENS), None
    )


def grids(image_size: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Rows and columns of the maps of all strides, the largest first, down to
    the last of more than one cell; those at the edges are cut by it."""
    return (
        tuple(-(-side // stride) for side in image_size) for stride in range(1, max(image_size))
    )
