"""Colors of classes."""

import colorsys
from collections.abc import Mapping
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

GOLDEN_RATIO = 0.618034

Color = tuple[int, int, int]


def class_colors(meta: Mapping[str, Any]) -> dict[str, Color]:
    """Returns the RGB color of each class of a dataset: its own, or distinct ones if it has none.

    Args:
        meta: Metadata of a dataset. A palette that is not its own is ignored: one with another
            number of colors than classes, which it inherits from its base class, such as COCO's,
            and the random one of mmseg.
    """
    classes, palette = meta['classes'], meta.get('palette')
    own = isinstance(palette, (list, tuple)) and len(palette) == len(classes)
    if not own or np.array_equal(palette, _random_colors(len(classes))):
        palette = distinct_colors(len(classes))
    return {
        str(name): (int(red), int(green), int(blue))
        for name, (red, green, blue) in zip(classes, palette, strict=True)
    }


def distinct_colors(number: int) -> list[Color]:
    """Returns RGB colors for a number of classes; the same ones for the same number."""
    colors = list(DISTINCT[:number])
    for i in range(number - len(colors)):
        hue, shade = i * GOLDEN_RATIO % 1, (1.0, 0.75, 0.9)[i % 3]
        red, green, blue = colorsys.hsv_to_rgb(hue, (0.85, 0.7, 0.45)[i % 3], shade)
        colors.append((round(255 * red), round(255 * green), round(255 * blue)))
    return colors


def text_color(background: Color) -> Color:
    """Returns black or white, whichever is legible on a background."""
    red, green, blue = background
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 140
    return (255, 255, 255) if dark else (0, 0, 0)


def _random_colors(number: int) -> np.ndarray:
    """The palette that mmseg gives to datasets without one."""
    return np.random.RandomState(42).randint(0, 255, size=(number, 3))
