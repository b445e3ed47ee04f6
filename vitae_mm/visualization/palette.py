"""Colors of classes."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

DISTINCT = (
    (230, 50, 60),
    (30, 130, 240),
    (60, 185, 70),
    (255, 170, 0),
    (170, 80, 230),
    (0, 200, 210),
    (250, 110, 190),
    (165, 110, 50),
    (190, 220, 40),
    (130, 140, 155),
)
"""Bright RGB colors that are easily told apart."""

LUMINANCE = np.array([0.299, 0.587, 0.114])

Color = tuple[int, int, int]


def class_colors(meta: Mapping[str, Any]) -> dict[str, Color]:
    """Returns the RGB color of each class of a dataset: its own, or distinct ones if it has none.

    Args:
        meta: Metadata of a dataset. A palette that is not its own is ignored: one with another
            number of colors than classes, which it inherits from its base class, such as COCO's,
            and the random one of mmseg.
    """
    classes, palette = meta['classes'], meta.get('palette')
    if (
        not isinstance(palette, (list, tuple))
        or len(palette) != len(classes)
        or np.array_equal(palette, _random_colors(len(classes)))
    ):
        palette = distinct_colors(len(classes))
    return {
        str(name): (int(red), int(green), int(blue))
        for name, (red, green, blue) in zip(classes, palette, strict=True)
    }


def distinct_colors(number: int) -> list[Color]:
    """Returns bright RGB colors; more of them begin with the same ones.

    After those of ``DISTINCT``, each is as far from all before it as possible.
    """
    colors = list(DISTINCT[:number])
    grid = np.array(list(product(range(0, 256, 51), repeat=3)))
    others = grid[grid @ LUMINANCE > 80]
    apart = np.linalg.norm(others[:, None] - np.array(DISTINCT), axis=-1).min(1)
    for _ in range(number - len(colors)):
        red, green, blue = others[apart.argmax()].tolist()
        colors.append((red, green, blue))
        apart = np.minimum(apart, np.linalg.norm(others - colors[-1], axis=-1))
    return colors


def text_color(background: Color) -> Color:
    """Returns black or white, whichever is legible on a background."""
    return (255, 255, 255) if np.dot(background, LUMINANCE) < 140 else (0, 0, 0)


def _random_colors(number: int) -> np.ndarray:
    """The palette that mmseg gives to datasets without one."""
    return np.random.RandomState(42).randint(0, 255, size=(number, 3))
