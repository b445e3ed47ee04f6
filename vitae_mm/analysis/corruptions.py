"""Images corrupted at five strengths.

After Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations, Hendrycks and Dietterich 2019, in kind: the strengths are our own,
for images of any size, and not those of ImageNet-C.

========== ============================================= ==== ==== ==== ==== ====
kind       what is given                                    1    2    3    4    5
========== ============================================= ==== ==== ==== ==== ====
blur       sigma, as a share of the shorter side         .010 .015 .020 .025 .035
noise      sigma, in the range [0, 1] of pixels           .04  .08  .12  .18  .26
brightness factor of every pixel                          1.2  1.4  1.6  1.8  2.0
contrast   factor of the distance from the mean grey      .60  .45  .30  .20  .10
jpeg       quality, from 100 down                          60   40   25   15    8
========== ============================================= ==== ==== ==== ==== ====
"""

import math

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from .seeding import seeded


def _blur(image: Tensor, share: float) -> Tensor:
    sigma = share * min(image.shape[1:])
    return F.gaussian_blur(image, 2 * math.ceil(3 * sigma) + 1, sigma)


def _noise(image: Tensor, sigma: float) -> Tensor:
    return F.gaussian_noise(image, sigma=sigma)


CORRUPTIONS = dict(
    blur=(_blur, (0.01, 0.015, 0.02, 0.025, 0.035)),
    noise=(_noise, (0.04, 0.08, 0.12, 0.18, 0.26)),
    brightness=(F.adjust_brightness, (1.2, 1.4, 1.6, 1.8, 2.0)),
    contrast=(F.adjust_contrast, (0.6, 0.45, 0.3, 0.2, 0.1)),
    jpeg=(F.jpeg, (60, 40, 25, 15, 8)),
)
"""By kind: what corrupts one image, and with what at each strength."""

STRENGTHS = (1, 2, 3, 4, 5)


def corrupt(images: Tensor, kind: str, strength: int, seed: int = 0) -> Tensor:
    """Corrupts images, one by one, so that memory holds bytes only.

    Args:
        images: (N, C, H, W) uint8, in RGB.
        kind: Of :data:`CORRUPTIONS`.
        strength: 1 to 5.
        seed: Of the noise. For images of one size it is always the same, but
            for its scale. Defaults to 0.

    Returns:
        Of the same shape and type.
    """
    function, values = CORRUPTIONS[kind]
    with seeded(seed):
        return torch.stack([function(image, values[strength - 1]) for image in images])
