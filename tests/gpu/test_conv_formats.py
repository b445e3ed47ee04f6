"""The memory format of images and convolutions changes nothing."""

import copy
import itertools

import pytest
import torch

from vitae_mm.layers import devices

from ..helpers.archs import NARROW
from .passes import assert_equal, build, run

FORMATS = (torch.contiguous_format, torch.channels_last)

narrow = pytest.mark.parametrize('network, arch', NARROW.values(), ids=NARROW)


@narrow
@torch.no_grad()
def test_images_of_both_formats_give_the_same_maps(network, arch, device):
    model = build(network, arch).eval().to(device)
    images = torch.randn(2, 3, 75, 131, device=device)
    first, second = (model(images.contiguous(memory_format=chosen)) for chosen in FORMATS)
    for a, b in zip(first, second, strict=True):
        assert a.is_contiguous() and b.is_contiguous()
        assert torch.equal(a, b)


@narrow
def test_convolutions_in_both_formats_give_the_same_results(network, arch, device, monkeypatch):
    model, images = build(network, arch), torch.randn(2, 3, 75, 131)
    theirs = run(model, images)
    for dense, grouped in itertools.product(FORMATS, repeat=2):
        choices = devices.ConvChoices(dense, grouped, recompute=False)
        monkeypatch.setitem(devices.CHOICES, device.type, choices)
        ours = copy.deepcopy(model).to(device)
        assert_equal(run(ours, images.to(device)), theirs)
