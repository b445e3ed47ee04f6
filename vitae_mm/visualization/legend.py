from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

FONT = Path(matplotlib.get_data_path()) / 'fonts/ttf/DejaVuSans.ttf'
ROWS = 20
"""Lines of text that a legend is high."""


def without_colours(image: np.ndarray) -> np.ndarray:
    """A grey copy of an image, (H, W, 3) RGB uint8, to lay a class map over:
    colours of its own would change those of the classes."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def add_legend(
    picture: np.ndarray, shares: Mapping[str, float], colours: Mapping[str, Sequence[int]]
) -> np.ndarray:
    """Puts a legend beside a picture of a segmentation.

    It is as wide as the longest of all names asks for, so that the pictures
    of a video have one size. Classes that find no room are counted.

    Args:
        picture: (H, W, 3), BGR uint8.
        shares: Share of the pixels of each class in the picture, in the order
            in which they shall stand.
        colours: RGB colour of every class of the data set.

    Returns:
        (H, W + width of the legend, 3), BGR uint8.
    """
    height = picture.shape[0]
    row = height / ROWS
    font = ImageFont.truetype(str(FONT), max(0.65 * row, 1))
    width = round(max(font.getlength(_label(name, 1.0)) for name in colours) + 2 * row)
    panel = Image.new('RGB', (width, height), 'white')
    draw = ImageDraw.Draw(panel)
    shown = list(shares)[: ROWS if len(shares) <= ROWS else ROWS - 1]
    for i, name in enumerate(shown):
        draw.rectangle(
            (0.4 * row, (i + 0.2) * row, row, (i + 0.8) * row),
            tuple(map(int, colours[name])),
            'black',
        )
        draw.text((1.4 * row, (i + 0.5) * row), _label(name, shares[name]), 'black', font, 'lm')
    if len(shown) < len(shares):
        draw.text(
            (1.4 * row, (ROWS - 0.5) * row),
            f'+ {len(shares) - len(shown)} more',
            'black',
            font,
            'lm',
        )
    return np.hstack([picture, np.asarray(panel)[..., ::-1]])


def _label(name: str, share: float) -> str:
    return f'{name} {share:.0%}' if share >= 0.01 else f'{name} <1%'
