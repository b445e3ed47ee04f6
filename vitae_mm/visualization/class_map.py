"""Gray background and legend of segmentation maps."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vitae_mm.fonts import font_for

ROWS = 20
"""Height of the legend in lines of text."""


def gray_copy(image: np.ndarray) -> np.ndarray:
    """Returns a gray copy of an image, (H, W, 3) RGB uint8, which does not change the colors of the
    classes drawn over it."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def add_legend(
    picture: np.ndarray, shares: Mapping[str, float], colors: Mapping[str, Sequence[int]]
) -> np.ndarray:
    """Adds a legend to the right of a segmentation map.

    Its width fits the longest class name of the dataset, so that all frames of a video have the
    same size. If there are more classes than lines, the last line tells the number of the others.

    Args:
        picture: (H, W, 3), BGR uint8.
        shares: Fraction of pixels of each class in the picture, in the order of the legend.
        colors: RGB color of every class of the dataset.

    Returns:
        (H, W + width of the legend, 3), BGR uint8.
    """
    height = picture.shape[0]
    row = height / ROWS

    def font(text: str) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(font_for(text), max(0.65 * row, 1))

    labels = [_label(name, 1.0) for name in colors]
    width = round(max(font(label).getlength(label) for label in labels) + 2 * row)
    panel = Image.new('RGB', (width, height), 'white')
    draw = ImageDraw.Draw(panel)

    def write(line: int, text: str) -> None:
        place = 1.4 * row, (line + 0.5) * row
        draw.text(place, text, fill='black', font=font(text), anchor='lm')

    shown = list(shares)[: ROWS if len(shares) <= ROWS else ROWS - 1]
    for i, name in enumerate(shown):
        box = (0.4 * row, (i + 0.2) * row, row, (i + 0.8) * row)
        draw.rectangle(box, tuple(map(int, colors[name])), 'black')
        write(i, _label(name, shares[name]))
    if len(shown) < len(shares):
        write(ROWS - 1, f'+ {len(shares) - len(shown)} more')
    return np.hstack([picture, np.asarray(panel)[..., ::-1]])


def _label(name: str, share: float) -> str:
    return f'{name} {share:.0%}' if share >= 0.01 else f'{name} <1%'
