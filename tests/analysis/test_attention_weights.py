"""Recomputed attention weights, checked against the outputs of the layers."""

import math

import pytest
import torch
from mmpretrain.models import ResNet
from mmpretrain.models.utils import MultiheadAttention, ShiftWindowMSA
from torch import nn

from vitae_mm.analysis.attention_weights import attention_layers, watch_attention
from vitae_mm.errors import InputError
from vitae_mm.layers import FullAttention, PerformerAttention, WindowAttention

from ..helpers.archs import NARROW


def attention_of(layer, *inputs, image_size):
    """Weights and output of one layer."""
    shown = []
    with watch_attention({'layer': layer}, image_size, lambda name, seen: shown.append(seen)):
        out = layer.eval()(*inputs)
    (attention,) = shown
    return attention, out


def attended(attention, values):
    """Weighted values (B, N, heads * d) of the map's positions, of the same shape.

    Each query is written to its position; keys outside the map have the value ``values[:, -1]``.
    """
    heads = attention.weights.shape[1]
    outs = torch.full_like(values, math.nan)
    groups = len(attention.weights) // len(values)
    for g, (weights, positions) in enumerate(
        zip(attention.weights, attention.positions, strict=True)
    ):
        # (N, heads * d) -> (heads, N, d)
        keys = values[g // groups, positions].unflatten(-1, (heads, -1)).transpose(0, 1)
        out = (weights @ keys).transpose(0, 1).flatten(1)
        outs[g // groups, positions] = out
    return outs


def values_of(qkv, x):
    """The last third of qkv for the positions of a map, and for padding, which is zero."""
    x = torch.cat([x.flatten(1, -2), torch.zeros_like(x.flatten(1, -2)[:, :1])], dim=1)
    return qkv(x).chunk(3, dim=-1)[2]


@pytest.mark.parametrize('value_skip', [True, False])
def test_full_attention_of_a_map_is_recomputed(value_skip):
    layer = FullAttention(6, 8, 2, value_skip=value_skip)
    nn.init.normal_(layer.qkv.weight)
    x = torch.randn(2, 3, 5, 6)
    attention, out = attention_of(layer, x, image_size=(12, 20))
    assert attention.grid == (3, 5) and attention.positions.tolist() == [list(range(15))] * 2
    q, k, v = layer.qkv(x.flatten(1, 2)).chunk(3, -1)
    # the second head, written out
    plain = (q[..., 4:] @ k[..., 4:].transpose(1, 2) / 2).softmax(-1)
    torch.testing.assert_close(attention.weights[:, 1], plain)
    plain = layer.proj(attended(attention, values_of(layer.qkv, x))[:, :-1])
    plain = plain + v if value_skip else plain
    torch.testing.assert_close(plain, out.flatten(1, 2), rtol=0, atol=1e-5)


def test_class_tokens_come_first_and_are_not_in_the_map():
    layer = FullAttention(8, 8, 2)
    attention, _ = attention_of(layer, torch.randn(1, 7, 8), image_size=(8, 12))
    assert attention.grid == (2, 3)
    assert attention.positions.tolist() == [[-1, 0, 1, 2, 3, 4, 5]]
    assert attention.weights.shape == (1, 2, 7, 7)
    torch.testing.assert_close(attention.weights.sum(-1), torch.ones(1, 2, 7))


@pytest.mark.parametrize('relative_position', [True, False])
@pytest.mark.parametrize('shifted', [True, False])
@pytest.mark.parametrize('height, width', [(8, 8), (5, 10), (3, 9)])
def test_window_attention_of_a_map_is_recomputed(height, width, shifted, relative_position):
    layer = WindowAttention(
        6, 8, 2, window_size=4, shifted=shifted, relative_position=relative_position
    )
    nn.init.normal_(layer.qkv.weight)
    if relative_position:
        nn.init.normal_(layer.position_bias)
    x = torch.randn(2, height, width, 6)
    attention, out = attention_of(layer, x, image_size=(4 * height, 4 * width))
    for positions in attention.positions.chunk(2):
        assert sorted(positions[positions >= 0].tolist()) == list(range(height * width))
    plain = layer.proj(attended(attention, values_of(layer.qkv, x))[:, :-1])
    torch.testing.assert_close(plain, out.flatten(1, 2), rtol=0, atol=1e-5)


def test_performer_weights_reproduce_the_output():
    layer = PerformerAttention(6, 16, 2)
    x = torch.randn(2, 3, 5, 6)
    attention, out = attention_of(layer, x, image_size=(12, 20))
    values = layer.kqv(x.flatten(1, 2)).chunk(3, -1)[2]
    plain = layer.proj(attended(attention, values)) + values
    torch.testing.assert_close(plain, out.flatten(1, 2), rtol=0, atol=1e-5)
    torch.testing.assert_close(attention.weights.sum(-1), torch.ones(2, 2, 15))


@pytest.mark.parametrize('qk_scale', [None, 0.3])
def test_full_attention_of_mmpretrain_is_recomputed(qk_scale):
    layer = MultiheadAttention(8, 2, qk_scale=qk_scale)
    nn.init.normal_(layer.qkv.weight)
    x = torch.randn(2, 6, 8)
    attention, out = attention_of(layer, x, image_size=(8, 12))
    values = layer.qkv(x).chunk(3, -1)[2]
    plain = layer.proj(attended(attention, values))
    torch.testing.assert_close(plain, out, rtol=0, atol=1e-5)


@pytest.mark.parametrize('shift', [0, 2])
@pytest.mark.parametrize('height, width', [(8, 8), (5, 10)])
def test_window_attention_of_mmpretrain_is_recomputed(height, width, shift):
    layer = ShiftWindowMSA(8, 2, window_size=4, shift_size=shift)
    nn.init.normal_(layer.w_msa.qkv.weight)
    x = torch.randn(2, height * width, 8)
    attention, out = attention_of(layer, x, (height, width), image_size=(4 * height, 4 * width))
    assert attention.grid == (height, width)
    for positions in attention.positions.chunk(2):
        assert sorted(positions[positions >= 0].tolist()) == list(range(height * width))
    plain = layer.w_msa.proj(attended(attention, values_of(layer.w_msa.qkv, x))[:, :-1])
    torch.testing.assert_close(plain, out, rtol=0, atol=1e-5)


@pytest.mark.parametrize('name', NARROW)
def test_watching_does_not_change_the_output(name):
    network, arch = NARROW[name]
    backbone = network(arch).eval()
    image = torch.rand(1, 3, 64, 96)
    shown = []
    layers = attention_layers(backbone)
    with torch.no_grad():
        plain = backbone(image)
        with watch_attention(layers, (64, 96), lambda name, _: shown.append(name)):
            watched = backbone(image)
        assert all(torch.equal(a, b) for a, b in zip(plain, watched, strict=True))
        assert shown == list(layers)
        backbone(image)
    assert shown == list(layers)  # no hook remains


def test_layerwise_class_attention_is_excluded():
    network, arch = NARROW['ceit']
    names = attention_layers(network(arch, out_type='cls_token'))
    assert list(names) == [f'stages.0.cells.{i}.attn' for i in range(3)]


def test_networks_without_attention_are_rejected():
    with pytest.raises(InputError, match='ResNet has no attention .*WindowAttention'):
        attention_layers(ResNet(18))


def test_token_counts_that_do_not_fit_the_image_are_rejected():
    layer = FullAttention(8, 8, 2)
    watching = watch_attention({'attn': layer}, (32, 32), lambda *_: None)
    with pytest.raises(InputError, match='20 tokens of an image of 32x32 pixels'), watching:
        layer(torch.rand(1, 20, 8))
