"""Grids of tokens, and feature maps in the outputs of layers."""

import pytest
import torch
from torch import nn

from vitae_mm.analysis.feature_maps import find_grid, to_maps

SIZE = 80, 144


@pytest.mark.parametrize(
    'count, image_size, grid',
    [
        (16, (32, 32), (4, 4)),
        (17, (32, 32), (4, 4)),
        (18, (32, 32), (4, 4)),
        (3136, (224, 224), (56, 56)),
        (197, (224, 224), (14, 14)),
        (256, (224, 224), (16, 16)),
        (7, (32, 48), (2, 3)),
        (6, (30, 41), (2, 3)),
        (20, (32, 32), None),
        (1, (32, 32), None),
    ],
)
def test_tokens_belong_to_the_largest_map_that_fits(count, image_size, grid):
    assert find_grid(count, image_size) == grid


@pytest.mark.parametrize(
    'shape, layer, found',
    [
        ((1, 5, 9, 7), nn.GELU(), (7, 5, 9)),
        ((1, 7, 5, 9), nn.Conv2d(1, 1, 1), (7, 5, 9)),
        ((1, 45, 7), nn.LayerNorm(7), (7, 5, 9)),
        ((1, 46, 7), nn.LayerNorm(7), (7, 5, 9)),
        ((1, 47, 7), nn.LayerNorm(7), (7, 5, 9)),
        ((1, 44, 7), nn.LayerNorm(7), None),
        ((1, 48, 7), nn.LayerNorm(7), None),
        ((1, 7), nn.Linear(7, 7), None),
        ((1, 6, 9, 7), nn.GELU(), None),
        ((1, 1, 1, 7), nn.GELU(), None),
    ],
)
def test_maps_are_recognized_by_their_shapes(shape, layer, found):
    maps = to_maps(torch.rand(shape), layer, SIZE)
    assert maps is None if found is None else maps.shape[1:] == found


def test_all_layouts_give_the_same_maps():
    maps = torch.rand(1, 4, 4, 4)
    tokens = torch.cat([torch.rand(1, 1, 4), maps.flatten(1, 2)], dim=1)
    for x, layer in (
        (maps, nn.LayerNorm(4)),
        (tokens, nn.LayerNorm(4)),
        (maps.permute(0, 3, 1, 2), nn.Conv2d(4, 4, 1)),
    ):
        assert torch.equal(to_maps(x, layer, (32, 32)), maps.permute(0, 3, 1, 2))
