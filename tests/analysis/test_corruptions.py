"""Corruptions of images have the documented strengths."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch.nn import functional as F

from vitae_mm.analysis.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from vitae_mm.analysis.robustness import seeded


@pytest.fixture(scope='module')
def images():
    """Two images (2, 3, 48, 64) with large and small structures."""
    generator = torch.Generator().manual_seed(0)
    coarse = F.interpolate(torch.randn(2, 3, 6, 8, generator=generator), scale_factor=8)
    fine = torch.randn(2, 3, 48, 64, generator=generator)
    return (100 + 30 * coarse + 10 * fine).clamp(0, 255).to(torch.uint8)


def distance(ours, theirs):
    return (ours.float() - theirs.float()).square().mean().sqrt().item()


@pytest.mark.parametrize('kind', CORRUPTIONS)
def test_each_strength_moves_images_further(images, kind):
    corrupted = [corrupt(images, kind, strength) for strength in STRENGTHS]
    assert all(each.shape == images.shape and each.dtype == torch.uint8 for each in corrupted)
    distances = [distance(each, images) for each in corrupted]
    assert distances == sorted(distances) and distances[0] > 1
    assert distances[-1] > 1.3 * distances[0]


@pytest.mark.parametrize('kind', CORRUPTIONS)
@pytest.mark.parametrize('size', [(1, 32, 32), (3, 32, 32), (3, 20, 301)])
def test_gray_and_color_images_of_any_size_are_corrupted(kind, size):
    images = torch.randint(0, 256, (1, *size), dtype=torch.uint8)
    for strength in STRENGTHS:
        assert corrupt(images, kind, strength).shape == images.shape


def test_noise_has_the_stated_size():
    gray = torch.full((2, 3, 64, 64), 128, dtype=torch.uint8)
    noise = (corrupt(gray, 'noise', 2).float() - 128) / 255
    assert noise.std().item() == pytest.approx(0.08, rel=0.05)
    assert not torch.equal(noise[0], noise[1])


def test_noise_is_determined_by_the_seed(images):
    def noisy(images, seed):
        with seeded(seed):
            return corrupt(images, 'noise', 3)

    assert torch.equal(noisy(images, 1), noisy(images, 1))
    assert not torch.equal(noisy(images, 1), noisy(images, 2))
    # the first images have the same noise, however many follow
    assert torch.equal(noisy(images, 0)[:1], noisy(images[:1], 0))


def test_blur_scales_with_the_image(images):
    sigma = 0.035 * 48
    expected = gaussian_filter(
        images.double().numpy(), (0, 0, sigma, sigma), mode='mirror', radius=(0, 0, 6, 6)
    )
    assert np.abs(corrupt(images, 'blur', 5).numpy() - expected).max() <= 0.6


def test_brightness_is_a_factor():
    gray = torch.full((1, 3, 8, 8), 100, dtype=torch.uint8)
    assert corrupt(gray, 'brightness', 3).unique().tolist() == [160]
    assert corrupt(gray + 50, 'brightness', 5).unique().tolist() == [255]


def test_contrast_shrinks_towards_the_mean():
    halves = torch.tensor([50, 150], dtype=torch.uint8).repeat(1, 3, 4, 4)
    assert corrupt(halves, 'contrast', 4).unique().tolist() == pytest.approx([90, 110], abs=1)


def test_jpeg_has_the_stated_quality(images):
    file = io.BytesIO()
    Image.fromarray(images[0].permute(1, 2, 0).numpy()).save(file, 'JPEG', quality=25)
    expected = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)
    assert distance(corrupt(images, 'jpeg', 3)[0], expected) < 3 < distance(images[0], expected)
