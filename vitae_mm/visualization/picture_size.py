"""Sizes of pictures, and of the text and lines drawn on them."""

import cv2
import numpy as np
from mmengine.visualization import Visualizer

MIN_EDGE, MAX_EDGE = 320, 4096
"""Pictures whose shorter edge is below the minimum are enlarged, but not beyond the maximum of the
longer edge."""

PIXELS_PER_DPI = 3.2
"""Short edge of a picture per dot per inch: mmdet's fonts of 6 to 13 points then have 1/38 to 1/18
of its length."""

MIN_DPI = 20
"""Below this resolution, letters are smaller than a pixel."""


def enlarge(image: np.ndarray) -> tuple[np.ndarray, int]:
    """Enlarges a small image by an integer factor.

    Args:
        image: (H, W, 3).

    Returns:
        The picture, (H * factor, W * factor, 3), and the factor.
    """
    short, long = sorted(image.shape[:2])
    factor = max(min(-(-MIN_EDGE // short), MAX_EDGE // long), 1)
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), factor


def scale_drawing(visualizer: Visualizer, image: np.ndarray) -> None:
    """Scales the fonts and lines of a matplotlib visualizer, which are measured in points, to an
    image (H, W, 3)."""
    visualizer.dpi = max(min(image.shape[:2]) / PIXELS_PER_DPI, MIN_DPI)
    visualizer.fig_save.set_dpi(visualizer.dpi)
