"""Properties of the plain blocks that the golden figures do not cover.

With the golden weights, |x|^2 / 2 is about 30 in the Performer: its random features vanish next
to the stabilizer 1e-8, and only the values remain.
"""

import torch

from . import blocks

TOKENS, CHANNELS, GRID = 12, 2, 500


def gaussian_directions():
    """Quantiles of a standard normal along each axis, (GRID^2, 2)."""
    quantiles = torch.special.ndtri((torch.arange(GRID) + 0.5) / GRID)
    return torch.cartesian_prod(quantiles, quantiles)


def test_performer_approximates_softmax():
    """With many Gaussian directions: softmax(Q K^T) V + V."""
    random = torch.Generator().manual_seed(0)
    state = {
        'kqv.weight': torch.randn(3 * CHANNELS, CHANNELS, generator=random) / 4,
        'kqv.bias': torch.randn(3 * CHANNELS, generator=random) / 4,
        'w': gaussian_directions(),
        'proj.weight': torch.eye(CHANNELS),
        'proj.bias': torch.zeros(CHANNELS),
    }
    tokens = torch.randn(2, TOKENS, CHANNELS, generator=random)
    key, query, value = blocks.linear(state, 'kqv.', tokens).chunk(3, dim=-1)
    expected = torch.matmul(torch.matmul(query, key.transpose(1, 2)).softmax(dim=-1), value) + value
    swapped = torch.matmul(torch.matmul(key, query.transpose(1, 2)).softmax(dim=-1), value) + value
    ours = blocks.performer_attention(state, '', tokens)
    assert (ours - expected).abs().max() < 0.02
    assert (ours - swapped).abs().max() > 0.1
