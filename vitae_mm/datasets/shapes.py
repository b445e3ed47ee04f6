"""Random scenes of colored shapes, the demo data of all four tasks."""

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np

CORNERS = dict(triangle=3, square=4, star=5, cross=4)
"""Number of corners of each class."""
CLASSES = tuple(CORNERS)
MAX_CORNERS = max(CORNERS.values())

HEIGHT, WIDTH = 192, 256
RADII = (24, 48)
"""Minimum and maximum distance from the center to the corners, in pixels."""
MAX_SHAPES = 6
MIN_VISIBLE = 0.6
"""Minimum visible fraction of each shape."""
NOISE = 12.0
"""Standard deviation of the pixel noise, in gray levels."""


@dataclass(frozen=True)
class Shape:
    """A shape of a scene.

    Attributes:
        label: Name from ``CLASSES``.
        corners: (n, 2), x and y in pixels, clockwise from the topmost. The corners of a star are
            its tips; those of a cross are the centers of its ends.
        mask: Visible part, (H, W) bool.
    """

    label: str
    corners: np.ndarray
    mask: np.ndarray

    @property
    def box(self) -> list[int]:
        """Bounding box of the visible part: x, y, width, height."""
        return list(cv2.boundingRect(self.mask.astype(np.uint8)))

    @property
    def keypoints(self) -> list[list[int]]:
        """x, y and visibility of each corner (COCO: 0 outside the image or padding, 1 covered,
        2 visible), padded to ``MAX_CORNERS``."""
        points = []
        for x, y in self.corners.round().astype(int):
            inside = 0 <= x < WIDTH and 0 <= y < HEIGHT
            # a corner is on the edge of the mask, so look at the pixels around it
            near = self.mask[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
            points.append([int(x), int(y), 2 if near.any() else 1] if inside else [0, 0, 0])
        return points + [[0, 0, 0]] * (MAX_CORNERS - len(points))


@dataclass(frozen=True)
class Scene:
    """An image (H, W, 3), BGR uint8, and its shapes from back to front."""

    image: np.ndarray
    shapes: tuple[Shape, ...]


def draw_scene(seed: int) -> Scene:
    """Draws a scene; the same seed gives the same scene.

    A scene has up to six overlapping shapes of random class, color, size and rotation on a shaded
    background, with pixel noise.
    """
    random = np.random.default_rng(seed)
    image = _background(random)
    owner = np.zeros((HEIGHT, WIDTH), np.uint8)  # number of the visible shape; 0 for none
    placed: list[tuple[str, np.ndarray]] = []
    areas: list[int] = []
    for label in random.choice(CLASSES, size=random.integers(2, MAX_SHAPES + 1)):
        outline, corners = _outline(label, random)
        polygon = [outline.round().astype(np.int32)]
        covered = cv2.fillPoly(owner.copy(), polygon, len(placed) + 1)
        visible = np.bincount(covered.ravel(), minlength=len(placed) + 2)[1:]
        # skip a shape that would hide another
        if np.all(visible[:-1] >= MIN_VISIBLE * np.array(areas)):
            owner = covered
            cv2.fillPoly(image, polygon, _color(random))
            placed.append((str(label), corners))
            areas.append(visible[-1])
    noise = random.normal(0, NOISE, image.shape)
    shapes = tuple(
        Shape(label, corners, owner == number)
        for number, (label, corners) in enumerate(placed, start=1)
    )
    return Scene((image + noise).clip(0, 255).astype(np.uint8), shapes)


def _background(random: np.random.Generator) -> np.ndarray:
    """A gradient between two muted colors, (H, W, 3) float."""
    first, second = random.uniform(40, 215, (2, 3))
    angle = random.uniform(0, 2 * np.pi)
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, WIDTH), np.linspace(-0.5, 0.5, HEIGHT))
    ramp = (x * np.cos(angle) + y * np.sin(angle) + 0.75)[..., None] / 1.5
    return (first + (second - first) * ramp).astype(np.float32)


def _color(random: np.random.Generator) -> list[float]:
    rgb = colorsys.hsv_to_rgb(random.uniform(), random.uniform(0.5, 1), random.uniform(0.5, 1))
    return [255 * channel for channel in rgb]


def _outline(label: str, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A random polygon (m, 2) and its corners (n, 2), x and y in pixels."""
    count = CORNERS[label]
    radius = random.uniform(*RADII)
    margin = 0.8 * radius
    center = random.uniform((margin, margin), (WIDTH - margin, HEIGHT - margin))
    angles = random.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(count) / count
    # y points down, so increasing angles go clockwise
    spokes = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    spokes = np.roll(spokes, -spokes[:, 1].argmin(), axis=0)
    if label == 'star':
        rim = np.stack([spokes, -0.45 * np.roll(spokes, 2, axis=0)], axis=1)
    elif label == 'cross':
        aside = 0.3 * np.roll(spokes, -1, axis=0)
        rim = np.stack([spokes - aside, spokes + aside, 0.3 * spokes + aside], axis=1)
    else:
        rim = spokes
    return center + rim.reshape(-1, 2), center + spokes
