"""Attention weights of a network, one layer at a time.

Fused attention keeps no weights: they are computed again, from what goes into
each layer. A layer over ``N`` tokens has ``heads * N * N * 4`` bytes of them for
an image, one with windows of ``w * w`` cells ``heads * N * w * w * 4``.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vitae_mm.errors import InputError
from vitae_mm.layers import (
    FullAttention,
    PerformerAttention,
    WindowAttention,
    pad_to_windows,
    partition_windows,
)

from .grids import find_grid

REMEDY = (
    'Have the test pipeline or the data_preprocessor give images whose sides are multiples '
    "of the network's strides."
)


@dataclass(frozen=True)
class Attention:
    """Who attends to whom, and where they are.

    Attributes:
        weights: Of each query's keys, (G, heads, N, N), rows sum to 1; G
            groups of tokens that see each other: images, or their windows.
        cells: Where in the map each token is, row by row; -1 for class tokens
            and for padding, (G, N).
        grid: Rows and columns of the map.
    """

    weights: Tensor
    cells: Tensor
    grid: tuple[int, int]


def attention_layers(network: nn.Module) -> dict[str, nn.Module]:
    """The layers whose weights can be had, by their names in the network.

    Raises:
        InputError: If there are none.
    """
    layers = {
        name: module for name, module in network.named_modules() if _type_name(module) in READERS
    }
    if not layers:
        raise InputError(
            f'{type(network).__name__} has no attention whose weights can be '
            f'computed: give a network with one of {", ".join(READERS)}.'
        )
    return layers


@contextmanager
def watch_attention(
    layers: Mapping[str, nn.Module],
    image_size: Sequence[int],
    see: Callable[[str, Attention], None],
) -> Iterator[None]:
    """Has every layer show its weights before it runs; what the network puts
    out stays the same.

    Args:
        layers: Of :func:`attention_layers`.
        image_size: Height and width of the images that the network will see.
        see: Called with a layer's name and its weights, which are gone when
            it returns unless it keeps them.

    Raises:
        InputError: While the network runs, for tokens that are no map of
            whole cells; see :func:`find_stride`.
    """

    def show(name: str) -> Callable:

        @torch.no_grad()
        def hook(module: nn.Module, inputs: tuple) -> None:
            see(name, READERS[_type_name(module)](module, *inputs, image_size=tuple(image_size)))

        return hook

    with ExitStack() as hooks:
        for name, module in layers.items():
            hooks.callback(module.register_forward_pre_hook(show(name)).remove)
        yield


def find_stride(grid: Sequence[int], image_size: Sequence[int]) -> int:
    """Pixels from one cell of a map to the next.

    Args:
        grid: Rows and columns of the map.
        image_size: Height and width of the image.

    Raises:
        InputError: If the map does not cover the image with whole cells, as
            that of a padded one.
    """
    stride = image_size[0] // grid[0]
    if (stride * grid[0], stride * grid[1]) != tuple(image_size):
        raise InputError(
            f'a map of {grid[0]}x{grid[1]} cells of an image of '
            f'{image_size[0]}x{image_size[1]} pixels: they are not of whole pixels. '
            f'{REMEDY}'
        )
    return stride


def _full(attn: FullAttention, x: Tensor, image_size: tuple[int, int]) -> Attention:
    """Of a map (B, H, W, C), or of tokens (B, N, C) with those of a map last."""
    q, k, _ = attn.queries_keys_values(x.flatten(1, -2))
    return Attention(_softmax(q, k, q.shape[-1] ** -0.5), *_places(x, image_size))


def _window(attn: WindowAttention, x: Tensor, image_size: tuple[int, int]) -> Attention:
    # cells go the way of the channels: number 0 is padding
    x = torch.cat([x, _numbered(x)], dim=-1)
    grid = tuple(x.shape[1:3])
    x, _, _ = pad_to_windows(x, attn.window_size)
    shift = attn.shift(*x.shape[1:3])
    x = x.roll((-shift[0], -shift[1]), dims=(1, 2))
    bias = attn.logit_bias(x, shift)
    windows = partition_windows(x, attn.window_size)
    q, k, _ = attn.queries_keys_values(windows[..., :-1])
    weights = _softmax(q, k, q.shape[-1] ** -0.5, bias)
    return Attention(weights, windows[..., -1].long() - 1, grid)


def _performer(attn: PerformerAttention, x: Tensor, image_size: tuple[int, int]) -> Attention:
    """The kernel's own weights, phi(q) phi(k)^T over their sum, which the
    layer never writes out."""
    kqv = attn.kqv(x.flatten(1, -2))
    k, q = (attn.phi(part) for part in _queries_and_keys(kqv, attn.num_heads))
    weights = q @ k.transpose(-2, -1)
    weights /= weights.sum(-1, keepdim=True) + attn.EPS * math.exp(-2 * attn.shift)
    return Attention(weights, *_places(x, image_size))


def _mmpretrain_full(attn: nn.Module, x: Tensor, image_size: tuple[int, int]) -> Attention:
    q, k = _queries_and_keys(attn.qkv(x), attn.num_heads)
    # with qk_scale, as in T2T-ViT, it divides by what should be a factor
    fixed = getattr(attn.scaled_dot_product_attention, 'keywords', {})
    scale = 1 / fixed['scale'] if 'scale' in fixed else q.shape[-1] ** -0.5
    return Attention(_softmax(q, k, scale), *_places(x, image_size))


def _mmpretrain_window(
    attn: nn.Module, x: Tensor, grid: tuple[int, int], image_size: tuple[int, int]
) -> Attention:
    """These write weights out: the layer is run to catch them."""
    numbers = _numbered(x.unflatten(1, grid)).flatten(1, 2).expand_as(x)
    caught = {}
    with ExitStack() as hooks:
        hooks.callback(
            attn.w_msa.register_forward_pre_hook(
                lambda _, inputs: caught.update(windows=inputs[0])
            ).remove
        )
        hooks.callback(
            attn.w_msa.softmax.register_forward_hook(
                lambda _, inputs, weights: caught.update(weights=weights)
            ).remove
        )
        attn.forward(x, grid)
        weights = caught['weights']
        # once more to see where cells go: number 0 is padding
        attn.forward(numbers, grid)
    return Attention(weights, caught['windows'][..., 0].long() - 1, tuple(grid))


READERS = {
    'vitae_mm.layers.attention.FullAttention': _full,
    'vitae_mm.layers.window_attention.WindowAttention': _window,
    'vitae_mm.layers.performer_attention.PerformerAttention': _performer,
    'mmpretrain.models.utils.attention.MultiheadAttention': _mmpretrain_full,
    'mmpretrain.models.utils.attention.ShiftWindowMSA': _mmpretrain_window,
}
"""By type, exactly: attention among class tokens derives from one of these, and
is nowhere in the image. Named, so that no other library need be there."""


def _type_name(module: nn.Module) -> str:
    return f'{type(module).__module__}.{type(module).__qualname__}'


def _queries_and_keys(qkv: Tensor, num_heads: int) -> tuple[Tensor, Tensor]:
    """(B, N, 3 * D) -> the first two of three (B, heads, N, d)."""
    return qkv.unflatten(-1, (3, num_heads, -1)).permute(2, 0, 3, 1, 4)[:2].unbind()


def _softmax(q: Tensor, k: Tensor, scale: float, bias: Tensor | None = None) -> Tensor:
    logits = scale * q @ k.transpose(-2, -1)
    return (logits if bias is None else logits + bias).softmax(dim=-1)


def _numbered(x: Tensor) -> Tensor:
    """A map (B, H, W, 1) of the numbers of its cells, from 1 on."""
    batch, height, width, _ = x.shape
    numbers = torch.arange(1, height * width + 1, dtype=x.dtype, device=x.device)
    return numbers.view(1, height, width, 1).expand(batch, -1, -1, -1)


def _places(x: Tensor, image_size: tuple[int, int]) -> tuple[Tensor, tuple[int, int]]:
    """Cells of the tokens of a map or a sequence, (B, N), and its grid."""
    grid = tuple(x.shape[1:3]) if x.ndim == 4 else find_grid(x.shape[1], image_size)
    if grid is None:
        raise InputError(
            f'{x.shape[1]} tokens of an image of {image_size[0]}x{image_size[1]} '
            f'pixels are no map of it. {REMEDY}'
        )
    count, cells = math.prod(x.shape[1:-1]), math.prod(grid)
    numbers = torch.arange(cells - count, cells, device=x.device).clamp(min=-1)
    return numbers.expand(x.shape[0], -1), grid
