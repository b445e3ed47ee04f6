"""Average attention distance of hand-written weights."""

import math

import pytest
import torch
from torch import nn

from vitae_mm.analysis.attention_distance import average_distance, find_stride, measure_distances
from vitae_mm.analysis.attention_weights import Attention, attention_layers
from vitae_mm.errors import InputError
from vitae_mm.layers import FullAttention, PatchEmbedding, WindowAttention


def attention(weights, grid, extra=0):
    """Attention of one image, from weights (heads, N, N); the first tokens are not in the map."""
    count = weights.shape[-1]
    positions = torch.arange(count).sub(extra).clamp(min=-1)[None]
    return Attention(weights[None], positions, grid)


def test_attention_to_oneself_has_no_distance():
    assert average_distance(attention(torch.eye(6)[None], (2, 3))).tolist() == [0]


def test_uniform_attention_has_the_mean_distance():
    uniform = torch.full((1, 4, 4), 0.25)
    # to itself, to two neighbors, and to the diagonal
    expected = (0 + 1 + 1 + math.sqrt(2)) / 4
    assert average_distance(attention(uniform, (2, 2))).tolist() == [pytest.approx(expected)]
    expected = (6 + 4 + 4 + 6) / 16  # in a row: 0 1 2 3, 1 0 1 2, ...
    assert average_distance(attention(uniform, (1, 4))).tolist() == [pytest.approx(expected)]


def test_each_head_has_its_own_distance():
    one_down = torch.eye(6).roll(3, dims=1)  # in a map of 2 rows of 3
    across = torch.eye(6).flip(1)  # position i to position 5 - i
    heads = average_distance(attention(torch.stack([torch.eye(6), one_down, across]), (2, 3)))
    expected = (4 * math.sqrt(5) + 2 * 1) / 6
    assert heads.tolist() == [0, 1, pytest.approx(expected)]


def test_class_tokens_are_neither_queries_nor_keys():
    weights = torch.tensor(
        [
            [
                [0.0, 0.5, 0.5],  # the class token
                [0.8, 0.05, 0.15],  # 1/4 and 3/4 without it
                [1.0, 0.0, 0.0],  # not counted, as nothing is left
            ]
        ]
    )
    assert average_distance(attention(weights, (1, 2), 1)).tolist() == [pytest.approx(0.75)]


def test_padding_of_windows_is_ignored():
    weights = torch.full((2, 1, 4, 4), 0.25)
    positions = torch.tensor([[0, 1, -1, -1], [2, -1, -1, -1]])
    # positions 0 and 1 share a window, 2 has its own
    seen = average_distance(Attention(weights, positions, (1, 3)))
    assert seen.tolist() == [pytest.approx((0.5 + 0.5 + 0) / 3)]


class Model(nn.Module):
    """Like models of the codebases, with a backbone that all images go through."""

    def __init__(self, attn):
        super().__init__()
        self.backbone = nn.Sequential(PatchEmbedding(3, 8, 4), attn)

    def extract_feat(self, images):
        return self.backbone(images.permute(0, 2, 3, 1))


def uniform(layer):
    for parameter in layer.qkv.parameters():
        nn.init.zeros_(parameter)
    return layer


@pytest.mark.parametrize(
    'attn, grid',
    [(FullAttention(8, 8, 2), (1, 4)), (WindowAttention(8, 8, 2, window_size=2), (1, 2))],
)
def test_distances_are_in_pixels(attn, grid):
    model = Model(uniform(attn))
    images = [torch.rand(1, 3, 4, 16)]
    found = measure_distances(model, attention_layers(model.backbone), images)
    assert found['images'] == 1 and found['input_sizes'] == [(4, 16)]
    (layer,) = found['layers']
    _, count = grid
    between = [abs(i - j) for i in range(count) for j in range(count)]
    expected = 4 * sum(between) / len(between)
    assert (layer['name'], layer['stride']) == ('1', 4)
    assert layer['heads'] == pytest.approx([expected, expected])
    assert layer['mean'] == layer['heads'][0]


def test_images_of_all_sizes_have_equal_weight():
    model = Model(uniform(FullAttention(8, 8, 1)))
    images = [torch.rand(1, 3, *size) for size in ((4, 4), (4, 8), (4, 8))]
    (layer,) = measure_distances(model, attention_layers(model.backbone), images)['layers']
    assert layer['mean'] == pytest.approx((0 + 2 + 2) / 3)  # a map of one position, and two of two


def test_images_that_a_map_does_not_divide_are_rejected():
    model = Model(FullAttention(8, 8, 1))
    with pytest.raises(
        InputError, match='map of 1x2 positions does not divide an image of 4x10 pixels'
    ):
        measure_distances(model, attention_layers(model.backbone), [torch.rand(1, 3, 4, 10)])


def test_strides_divide_the_image():
    assert find_stride((7, 7), (224, 224)) == 32 and find_stride((2, 3), (32, 48)) == 16
    with pytest.raises(InputError, match='3x3 positions does not divide an image of 40x48 pixels'):
        find_stride((3, 3), (40, 48))
