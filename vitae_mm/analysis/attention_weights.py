"""Attention weights of a network, one layer at a time.

Fused attention does not keep its weights: they are recomputed from the input of each layer. For
one image, they take ``heads * N * N * 4`` bytes in a layer over ``N`` tokens, and
``heads * N * w * w * 4`` bytes in a layer with windows of ``w * w`` positions.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from vitae_mm.errors import InputError
from vitae_mm.layers import PerformerAttention, WindowAttention, pad_to_windows, partition_windows

from .feature_maps import find_grid

REMEDY = (
    'Change the test pipeline or the data_preprocessor so that the sides of images are multiples '
    "of the network's strides."
)


@dataclass(frozen=True)
class Attention:
    """The attention weights of a layer, and the positions of its tokens.

    Attributes:
        weights: Weights of each query (row) for its keys, (G, heads, N, N), for G groups of
            tokens that attend to each other: images or their windows. Rows sum to 1.
        positions: Index of each token in the flattened map, (G, N); -1 for class tokens and
            padding.
        grid: Rows and columns of the map.
    """

    weights: Tensor
    positions: Tensor
    grid: tuple[int, ...]


def attention_layers(network: nn.Module) -> dict[str, nn.Module]:
    """Returns the layers whose weights can be recomputed, by their names in the network.

    Raises:
        InputError: If there are none.
    """
    layers = {name: m for name, m in network.named_modules() if _type_name(m) in READERS}
    if not layers:
        raise InputError(
            f'{type(network).__name__} has no attention layer of a supported type: give a network '
            f'with one of {", ".join(READERS)}.'
        )
    return layers


@contextmanager
def watch_attention(
    layers: Mapping[str, nn.Module],
    image_size: Sequence[int],
    see: Callable[[str, Attention], object],
) -> Iterator[None]:
    """Passes the weights of every layer to ``see`` before the layer runs, without changing its
    output.

    Args:
        layers: From :func:`attention_layers`.
        image_size: Height and width of the images that the network will see.
        see: Called with a layer's name and its weights.

    Raises:
        InputError: While the network runs, if the tokens of a layer do not form a map of the image.
    """

    def hook(name: str, module: nn.Module, inputs: tuple) -> None:
        with torch.no_grad():
            see(name, READERS[_type_name(module)](module, *inputs, image_size=tuple(image_size)))

    with ExitStack() as hooks:
        for name, module in layers.items():
            hooks.callback(module.register_forward_pre_hook(partial(hook, name)).remove)
        yield


def _full(attn: Any, x: Tensor, image_size: tuple[int, ...]) -> Attention:
    """Takes a map (B, H, W, C), or tokens (B, N, C) that end with those of a map."""
    q, k = _first_two(attn.qkv(x.flatten(1, -2)), attn.num_heads)
    # with qk_scale, as in T2T-ViT, mmpretrain divides by the scale instead of multiplying
    options = getattr(getattr(attn, 'scaled_dot_product_attention', None), 'keywords', {})
    scale = 1 / options['scale'] if 'scale' in options else None
    return Attention(_softmax(q, k, scale), *_positions(x, image_size))


def _window(attn: WindowAttention, x: Tensor, image_size: tuple[int, ...]) -> Attention:
    # an extra channel carries the numbers of positions along; 0 is padding
    x, grid = torch.cat([x, _numbered(x)], dim=-1), tuple(x.shape[1:3])
    x, _, _ = pad_to_windows(x, attn.window_size)
    shift = attn.shift(*x.shape[1:3])
    x = x.roll((-shift[0], -shift[1]), dims=(1, 2))
    windows = partition_windows(x, attn.window_size)
    q, k, _ = attn.queries_keys_values(windows[..., :-1])
    weights = _softmax(q, k, bias=attn.logit_bias(x, shift))
    return Attention(weights, windows[..., -1].long() - 1, grid)


def _performer(attn: PerformerAttention, x: Tensor, image_size: tuple[int, ...]) -> Attention:
    """Computes the weights of the kernel, phi(q) phi(k)^T normalized, which the layer avoids."""
    kqv = attn.kqv(x.flatten(1, -2))
    k, q = (attn.phi(part) for part in _first_two(kqv, attn.num_heads))
    weights = q @ k.transpose(-2, -1)
    weights /= weights.sum(-1, keepdim=True) + attn.EPS * math.exp(-2 * attn.exponent_shift)
    return Attention(weights, *_positions(x, image_size))


def _mmpretrain_window(
    attn: Any, x: Tensor, grid: tuple[int, int], image_size: tuple[int, ...]
) -> Attention:
    """Runs the layer once to catch its weights, and once to see where positions end up; the
    number 0 is padding."""
    seen: dict[str, Tensor] = {}
    w_msa = attn.w_msa
    with ExitStack() as hooks:
        for hook in (
            w_msa.register_forward_pre_hook(lambda _, inputs: seen.update(windows=inputs[0])),
            w_msa.softmax.register_forward_hook(lambda _, inputs, out: seen.update(weights=out)),
        ):
            hooks.callback(hook.remove)
        attn.forward(x, grid)
        weights = seen['weights']
        attn.forward(_numbered(x.unflatten(1, grid)).flatten(1, 2).expand_as(x), grid)
    return Attention(weights, seen['windows'][..., 0].long() - 1, tuple(grid))


READERS: dict[str, Callable[..., Attention]] = {
    'vitae_mm.layers.attention.FullAttention': _full,
    'vitae_mm.layers.window_attention.WindowAttention': _window,
    'vitae_mm.layers.performer_attention.PerformerAttention': _performer,
    'mmpretrain.models.utils.attention.MultiheadAttention': _full,
    'mmpretrain.models.utils.attention.ShiftWindowMSA': _mmpretrain_window,
}
"""Functions that compute the weights of a layer, by its exact type: subclasses attend between class
tokens, which have no position in the image. Types are given by name so that mmpretrain need not be
installed."""


def _type_name(module: nn.Module) -> str:
    return f'{type(module).__module__}.{type(module).__qualname__}'


def _first_two(qkv: Tensor, num_heads: int) -> tuple[Tensor, Tensor]:
    """Splits (B, N, 3 * D) and returns the first two of three parts (B, heads, N, d)."""
    first, second, _ = qkv.unflatten(-1, (3, num_heads, -1)).permute(2, 0, 3, 1, 4)
    return first, second


def _softmax(
    q: Tensor, k: Tensor, scale: float | None = None, bias: Tensor | None = None
) -> Tensor:
    logits = (scale or q.shape[-1] ** -0.5) * q @ k.transpose(-2, -1)
    return (logits if bias is None else logits + bias).softmax(dim=-1)


def _numbered(x: Tensor) -> Tensor:
    """Returns the numbers of the positions of a map (B, H, W, C), starting at 1: (B, H, W, 1)."""
    numbers = torch.arange(1, x[0, ..., 0].numel() + 1, dtype=x.dtype, device=x.device)
    return numbers.view(1, *x.shape[1:3], 1).expand(len(x), -1, -1, -1)


def _positions(x: Tensor, image_size: tuple[int, ...]) -> tuple[Tensor, tuple[int, ...]]:
    """Returns the positions of the tokens of a map or sequence, (B, N), and the grid."""
    grid = tuple(x.shape[1:3]) if x.ndim == 4 else find_grid(x.shape[1], image_size)
    if grid is None:
        raise InputError(
            f'{x.shape[1]} tokens of an image of {image_size[0]}x{image_size[1]} pixels do not '
            f'form a map of it. {REMEDY}'
        )
    count, size = math.prod(x.shape[1:-1]), math.prod(grid)
    positions = torch.arange(size - count, size, device=x.device).clamp(min=-1)
    return positions.expand(len(x), -1), grid
