"""Replaces the random masks of masked autoencoders with the same mask for every image."""

import torch

from vitae_mm.layers import VisibleTokens
from vitae_mm.layers.masking import visible_count


def draw(batch, grid, mask_ratio, device):
    tokens = grid[0] * grid[1]
    order = torch.randperm(tokens, generator=torch.Generator().manual_seed(0))
    return VisibleTokens(order.expand(batch, -1), visible_count(tokens, mask_ratio), tuple(grid))


VisibleTokens.draw = draw
