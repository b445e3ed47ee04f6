"""Many pictures in one."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from vitae_mm.io import write_atomically

SQUARE_SIDE = 2.6
"""Side of a square picture in inches; other pictures have the same area."""

DPI = 160

MAX_SIDE = 1600
"""Longer pictures are reduced to this many pixels."""

MAX_NAMED = 40
"""Maximum number of colors in the legend."""


def evenly_spaced(total: int, number: int) -> list[int]:
    """Chooses up to ``number`` of ``total`` places, with the first and the last."""
    return np.linspace(0, total - 1, min(number, total)).round().astype(int).tolist()


def contact_sheet(
    pictures: Sequence[tuple[str, np.ndarray]],
    colors: Mapping[str, Sequence[int]],
    heading: str = '',
) -> Figure:
    """Draws all pictures, each below its name, and a legend of the colors.

    Args:
        pictures: Names, and pictures (H, W, 3) BGR uint8 of any sizes.
        colors: RGB colors by name. The legend is left out if there are more than ``MAX_NAMED``.
        heading: Text at the top. Defaults to none.
    """
    tallest = max(picture.shape[0] / picture.shape[1] for _, picture in pictures)
    columns = max(min(round(math.sqrt(tallest * len(pictures))), len(pictures)), 1)
    rows = math.ceil(len(pictures) / columns)
    width = SQUARE_SIDE / math.sqrt(tallest)
    shown = colors if len(colors) <= MAX_NAMED else {}
    names_per_row = max(int(columns * width / 1.5), 1)
    extra = 0.25 * math.ceil(len(shown) / names_per_row) + (0.3 if heading else 0)
    size = columns * width, rows * (width * tallest + 0.25) + extra
    figure = Figure(figsize=size, dpi=DPI, layout='constrained')
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels:
        panel.axis('off')
    for panel, (name, picture) in zip(panels, pictures, strict=False):
        panel.imshow(shrink(picture)[..., ::-1], interpolation='lanczos')
        panel.set_title(name, fontsize=8)
    if heading:
        figure.suptitle(heading, fontsize=9)
    if shown:
        patches = [
            Patch(color=tuple(np.array(rgb) / 255), label=name) for name, rgb in shown.items()
        ]
        figure.legend(handles=patches, loc='outside lower center', ncols=names_per_row, fontsize=8)
    return figure


def write_sheet(figure: Figure, path: Path) -> None:
    """Writes a contact sheet in any of matplotlib's formats, atomically."""
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=DPI))


def shrink(picture: np.ndarray, side: int = MAX_SIDE) -> np.ndarray:
    """Reduces a picture (H, W, 3) whose longer side has more than ``side`` pixels."""
    factor = side / max(picture.shape[:2])
    if factor >= 1:
        return picture
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
