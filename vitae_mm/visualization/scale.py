"""Lines and letters that can be seen on small and large images."""

import cv2
import numpy as np
from mmengine.visualization import Visualizer

MIN_EDGE, MAX_EDGE = 320, 4096
"""Pictures whose shorter edge is less are enlarged, up to this longer edge."""

PIXELS_PER_DPI = 3.2
"""Short edge of a picture for each dot per inch: mmdet's letters of 6 to 13
points are a thirty-eighth to an eighteenth of it."""

LEAST_DPI = 20
"""Fewer leave no pixel for a letter."""


def enlarge(image: np.ndarray) -> tuple[np.ndarray, int]:
    """Enlarges a small image by a whole factor.

    Args:
        image: (H, W, 3).

    Returns:
        The picture, (H * factor, W * factor, 3), and the factor.
    """
    short, long = sorted(image.shape[:2])
    factor = max(min(-(-MIN_EDGE // short), MAX_EDGE // long), 1)
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), factor


def fit_points(visualizer: Visualizer, image: np.ndarray) -> None:
    """Has a visualizer that draws with matplotlib measure its letters and
    lines, which are in points, by the size of the image (H, W, 3)."""
    visualizer.dpi = max(min(image.shape[:2]) / PIXELS_PER_DPI, LEAST_DPI)
    visualizer.fig_save.set_dpi(visualizer.dpi)
