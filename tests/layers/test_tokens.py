import math

import pytest
import torch
from torch.nn import functional as F

from vitae_mm.errors import InputError
from vitae_mm.layers import TokenEmbedding, join_tokens, resize_positions, split_tokens

GRID = (4, 4)


def test_the_class_token_comes_first():
    x, cls = torch.rand(2, 3, 5, 8), torch.rand(2, 1, 8)
    tokens = join_tokens(x, cls)
    assert torch.equal(tokens[:, :1], cls)
    assert torch.equal(tokens[:, 1 + 1 * 5 + 2], x[:, 1, 2])
    for ours, theirs in zip(split_tokens(tokens, (3, 5)), (x, cls), strict=True):
        assert torch.equal(ours, theirs)


def test_without_a_class_token_the_map_is_returned():
    x = torch.rand(2, 3, 5, 8)
    assert join_tokens(x, None) is x
    assert split_tokens(x, (3, 5)) == (x, None)


@pytest.mark.parametrize('class_token', [False, True])
@pytest.mark.parametrize('position', ['learned', 'sinusoid'])
def test_positions_are_added(position, class_token):
    module = TokenEmbedding(8, GRID, class_token=class_token, position=position)
    x = torch.rand(2, *GRID, 8)
    out, cls = module(x)
    positions = module.position[0]
    assert len(positions) == 16 + class_token
    torch.testing.assert_close(out, x + positions[class_token:].reshape(*GRID, 8))
    if class_token:
        expected = module.cls_token[0] + positions[:1]
        torch.testing.assert_close(cls, expected.expand(2, 1, 8))
    else:
        assert cls is None


def test_position_none_adds_nothing():
    module = TokenEmbedding(8, GRID, class_token=True, position='none')
    x = torch.rand(2, *GRID, 8)
    out, cls = module(x)
    assert torch.equal(out, x)
    assert torch.equal(cls, module.cls_token.expand(2, 1, 8))


def test_sinusoids_equal_the_equation():
    module = TokenEmbedding(6, (2, 2), class_token=True, position='sinusoid')
    for number, row in enumerate(module.position[0].tolist()):
        for i in range(3):
            angle = number / 10000 ** (2 * i / 6)
            assert row[2 * i : 2 * i + 2] == pytest.approx(
                [math.sin(angle), math.cos(angle)], abs=1e-6
            )
    assert 'position' not in module.state_dict()


def test_positions_are_resized_to_the_map():
    module = TokenEmbedding(8, GRID, class_token=True, position='learned')
    x = torch.zeros(1, 6, 3, 8)
    grid = module.position[:, 1:].reshape(1, *GRID, 8).permute(0, 3, 1, 2)
    resized = F.interpolate(grid, (6, 3), mode='bicubic').permute(0, 2, 3, 1)
    torch.testing.assert_close(module(x)[0], resized)


def test_positions_of_the_same_grid_are_not_resized():
    position = torch.rand(1, 16, 8)
    assert resize_positions(position, GRID, GRID) is position


@pytest.mark.parametrize('class_token', [False, True])
def test_loaded_positions_are_resized(class_token):
    module = TokenEmbedding(8, (3, 5), class_token=class_token, position='learned')
    other = TokenEmbedding(8, GRID, class_token=class_token, position='learned')
    module.load_state_dict(other.state_dict())
    cls, patches = other.position[:, :class_token], other.position[:, class_token:]
    expected = torch.cat([cls, resize_positions(patches, GRID, (3, 5))], dim=1)
    torch.testing.assert_close(module.position, expected)


@pytest.mark.parametrize(
    'shape, class_token, message',
    [
        ((1, 16, 8), True, r'\(1, 16, 8\) cannot be resized to \(1, 10, 8\).*and a class token'),
        ((1, 17, 8), False, r'\(1, 17, 8\) cannot be resized to \(1, 9, 8\).*no class token'),
        ((1, 16, 4), False, r'\(1, 16, 4\) cannot be resized to \(1, 9, 8\).*same channels'),
    ],
)
def test_loaded_positions_of_another_shape_are_rejected(shape, class_token, message):
    module = TokenEmbedding(8, (3, 3), class_token=class_token, position='learned')
    with pytest.raises(InputError, match=message):
        module.load_state_dict({**module.state_dict(), 'position': torch.zeros(shape)})
