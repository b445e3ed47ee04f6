"""Corruptions of images at five strengths.

The kinds are those of Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations, Hendrycks and Dietterich 2019. The strengths are our own, for images of any size;
they are not those of ImageNet-C.

========== ============================================= ==== ==== ==== ==== ====
kind       parameter                                        1    2    3    4    5
========== ============================================= ==== ==== ==== ==== ====
blur       sigma, as a fraction of the shorter side      .010 .015 .020 .025 .035
noise      sigma, in the range [0, 1] of pixels           .04  .08  .12  .18  .26
brightness factor of every pixel                          1.2  1.4  1.6  1.8  2.0
contrast   factor of the distance from the mean gray      .60  .45  .30  .20  .10
jpeg       quality, at most 100                            60   40   25   15    8
========== ============================================= ==== ==== ==== ==== ====
"""

import math

import torch
from torch import Tensor
from torchvision.io import decode_jpeg, encode_jpeg
from torchvision.transforms.v2 import functional as F


def _blur(image: Tensor, fraction: float) -> Tensor:
    sigma = fraction * min(image.shape[1:])
    return F.gaussian_blur(image, 2 * math.ceil(3 * sigma) + 1, sigma)


def _noise(image: Tensor, sigma: float) -> Tensor:
    noise = torch.randn(image.shape, device=image.device) * (255 * sigma)
    return (image + noise.to(torch.int16)).clamp(0, 255).to(torch.uint8)


def _jpeg(image: Tensor, quality: int) -> Tensor:
    return decode_jpeg(encode_jpeg(image.cpu(), quality)).to(image.device)


CORRUPTIONS = dict(
    blur=(_blur, (0.01, 0.015, 0.02, 0.025, 0.035)),
    noise=(_noise, (0.04, 0.08, 0.12, 0.18, 0.26)),
    brightness=(F.adjust_brightness, (1.2, 1.4, 1.6, 1.8, 2.0)),
    contrast=(F.adjust_contrast, (0.6, 0.45, 0.3, 0.2, 0.1)),
    jpeg=(_jpeg, (60, 40, 25, 15, 8)),
)
"""By kind: the function that corrupts one image, and its argument at each strength."""

STRENGTHS = (1, 2, 3, 4, 5)


def corrupt(images: Tensor, kind: str, strength: int) -> Tensor:
    """Corrupts images one by one, so that memory is needed for the floats of only one.

    Args:
        images: (N, C, H, W) uint8, in RGB.
        kind: A key of :data:`CORRUPTIONS`.
        strength: 1 to 5.

    Returns:
        Images of the same shape and type.
    """
    function, values = CORRUPTIONS[kind]
    return torch.stack([function(image, values[strength - 1]) for image in images])
