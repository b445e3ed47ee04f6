import pytest
import torch

from vitae_mm.layers import VisibleTokens, visible_count

GRID = (4, 6)


def draw():
    return VisibleTokens.draw(3, GRID, mask_ratio=0.75, device=torch.device('cpu'))


@pytest.fixture
def visible():
    torch.manual_seed(0)
    return draw()


def test_a_quarter_of_each_map_is_visible(visible):
    assert visible.indices.shape == (3, 6)
    assert visible.mask.sum(1).tolist() == [18.0] * 3
    assert len({tuple(sorted(row)) for row in visible.indices.tolist()}) == 3


def test_restore_undoes_the_shuffle(visible):
    x = torch.rand(3, *GRID, 5)
    hidden = visible.mask.sum(1).int()[0]
    # visible tokens, then a token for each masked one
    sequence = torch.cat([visible.pick(x).squeeze(1), torch.full((3, hidden, 5), -1.0)], dim=1)
    restored = sequence.gather(1, visible.restore.unsqueeze(-1).expand(-1, -1, 5))
    masked = visible.mask.bool()
    assert torch.equal(restored[~masked], x.flatten(1, 2)[~masked])
    assert (restored[masked] == -1).all()


def test_spread_fills_masked_tokens_with_zeros(visible):
    x = torch.rand(3, *GRID, 5)
    seen = x * (1 - visible.mask).view(3, *GRID, 1)
    assert torch.equal(visible.spread(visible.pick(x)), seen)


def test_masks_depend_on_the_seed_only(visible):
    torch.manual_seed(0)
    assert torch.equal(draw().order, visible.order)
    assert not torch.equal(draw().order, visible.order)


@pytest.mark.parametrize('tokens, ratio, count', [(196, 0.75, 49), (100, 0.9, 10), (64, 0.6, 26)])
def test_counts_are_rounded(tokens, ratio, count):
    assert visible_count(tokens, ratio) == count
