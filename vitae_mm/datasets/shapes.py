"""Seeded scenes of coloured shapes, the embedded data of all four tasks."""

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np

CLASSES = ('triangle', 'square', 'star', 'cross')
CORNERS = dict(triangle=3, square=4, star=5, cross=4)
MAX_CORNERS = max(CORNERS.values())

HEIGHT, WIDTH = 192, 256
RADII = (16, 44)
"""Smallest and largest distance from centre to corner, in pixels."""
MAX_SHAPES = 6
MIN_VISIBLE = 0.5
"""Share of each shape that is left uncovered."""
NOISE = 12.0
"""Standard deviation of the pixel noise, in grey levels."""


@dataclass(frozen=True)
class Shape:
    """One shape of a scene.

    Attributes:
        label: Name from ``CLASSES``.
        corners: (n, 2), x and y in pixels, the topmost first, then clockwise.
            A star's are its tips, a cross's the middles of its ends.
        mask: What is seen of it, (H, W) bool.
    """

    label: str
    corners: np.ndarray
    mask: np.ndarray

    @property
    def box(self) -> list[float]:
        """What is seen of it: x, y, width, height."""
        ys, xs = np.nonzero(self.mask)
        left, top = int(xs.min()), int(ys.min())
        return [left, top, int(xs.max()) - left + 1, int(ys.max()) - top + 1]

    @property
    def keypoints(self) -> list[list[int]]:
        """x, y, visibility of each corner (COCO: 0 outside or none, 1
        covered, 2 seen), padded to ``MAX_CORNERS``."""
        points = []
        for x, y in self.corners.round().astype(int):
            inside = 0 <= x < WIDTH and 0 <= y < HEIGHT
            # a corner lies on the rim: look at the pixels around it
            near = self.mask[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
            points.append([int(x), int(y), 2 if near.any() else 1] if inside else [0, 0, 0])
        return points + [[0, 0, 0]] * (MAX_CORNERS - len(points))


@dataclass(frozen=True)
class Scene:
    """An image (H, W, 3), BGR uint8, and the shapes on it, back to front."""

    image: np.ndarray
    shapes: tuple[Shape, ...]


def draw_scene(seed: int) -> Scene:
    """Draws one scene; the same seed gives the same scene.

    Up to six shapes of four classes, of any colour, size and rotation, one
    upon the other, on a shaded ground, under pixel noise.
    """
    random = np.random.default_rng(seed)
    image = _ground(random)
    owner = np.zeros((HEIGHT, WIDTH), np.uint8)
    placed, areas = [], []
    for label in random.choice(CLASSES, size=random.integers(2, MAX_SHAPES + 1)):
        outline, corners = _outline(label, random)
        polygon = [outline.round().astype(np.int32)]
        covered = cv2.fillPoly(owner.copy(), polygon, len(placed) + 1)
        seen = np.bincount(covered.ravel(), minlength=len(placed) + 2)[1:]
        # a shape that would hide another is not drawn
        if np.all(seen[:-1] >= MIN_VISIBLE * np.array(areas)):
            owner = covered
            cv2.fillPoly(image, polygon, _colour(random))
            placed.append((str(label), corners))
            areas.append(seen[-1])
    noise = random.normal(0, NOISE, image.shape)
    shapes = tuple(
        Shape(label, corners, owner == number)
        for number, (label, corners) in enumerate(placed, start=1)
    )
    return Scene((image + noise).clip(0, 255).astype(np.uint8), shapes)


def _ground(random: np.random.Generator) -> np.ndarray:
    """A smooth ramp between two muted colours, (H, W, 3) float."""
    first, second = random.uniform(40, 215, (2, 3))
    angle = random.uniform(0, 2 * np.pi)
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, WIDTH), np.linspace(-0.5, 0.5, HEIGHT))
    ramp = (x * np.cos(angle) + y * np.sin(angle) + 0.75)[..., None] / 1.5
    return (first + (second - first) * ramp).astype(np.float32)


def _colour(random: np.random.Generator) -> tuple[float, float, float]:
    rgb = colorsys.hsv_to_rgb(random.uniform(), random.uniform(0.5, 1), random.uniform(0.5, 1))
    return tuple(255 * channel for channel in rgb)


def _outline(label: str, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Polygon (m, 2) and its corners (n, 2), x and y in pixels."""
    count = CORNERS[label]
    radius = random.uniform(*RADII)
    centre = random.uniform(
        (0.8 * radius, 0.8 * radius), (WIDTH - 0.8 * radius, HEIGHT - 0.8 * radius)
    )
    angles = random.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(count) / count
    # y points down, so growing angles go clockwise
    spokes = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    spokes = np.roll(spokes, -spokes[:, 1].argmin(), axis=0)
    if label == 'star':
        rim = np.stack([spokes, -0.45 * np.roll(spokes, 2, axis=0)], axis=1)
    elif label == 'cross':
        beside = 0.3 * np.roll(spokes, -1, axis=0)
        rim = np.stack([spokes - beside, spokes + beside, 0.3 * spokes + beside], axis=1)
    else:
        rim = spokes
    return centre + rim.reshape(-1, 2), centre + spokes
