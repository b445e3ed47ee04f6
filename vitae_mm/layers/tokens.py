"""Class tokens and position embeddings."""

import math
from collections.abc import MutableMapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitae_mm.compat import add_load_hook, is_known
from vitae_mm.errors import InputError

POSITIONS = ('none', 'learned', 'sinusoid')
"""Kinds of position embeddings."""


def join_tokens(x: Tensor, cls: Tensor | None) -> Tensor:
    """Puts the class token before the patch tokens.

    Args:
        x: Map, (B, H, W, C).
        cls: Class token, (B, 1, C), or None.

    Returns:
        Tokens, row by row, (B, 1 + H * W, C); without a class token, the map itself.
    """
    # (B, H, W, C) -> (B, 1 + H * W, C)
    return x if cls is None else torch.cat([cls, x.flatten(1, 2)], dim=1)


def split_tokens(tokens: Tensor, size: Sequence[int]) -> tuple[Tensor, Tensor | None]:
    """The inverse of :func:`join_tokens`.

    Args:
        tokens: (B, 1 + H * W, C), or a map (B, H, W, C).
        size: H and W.

    Returns:
        The map (B, H, W, C), and the class token (B, 1, C) or None.
    """
    if tokens.ndim == 4:
        return tokens, None
    # (B, 1 + H * W, C) -> (B, H, W, C), (B, 1, C)
    return tokens[:, 1:].unflatten(1, size), tokens[:, :1]


class TokenEmbedding(nn.Module):
    """Adds position embeddings to a map and creates the class token.

    The embeddings are resized (bicubic) to the size of the map. Loaded
    embeddings of another grid, which must be square as in all published
    weights, are resized to ``grid``.

    Args:
        dim (int): Channels of the map (C).
        grid (tuple[int, int]): Rows and columns of the map at the image size
            that the network is built for.
        class_token (bool): Whether there is a class token.
        position (str): 'learned', 'sinusoid' (Attention Is All You Need,
            Sec. 3.5, over the sequence) or 'none'.
    """

    cls_token: nn.Parameter | None
    position: Tensor | None

    def __init__(self, dim: int, grid: tuple[int, int], *, class_token: bool, position: str):
        super().__init__()
        self.grid = grid
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim)) if class_token else None
        count = math.prod(grid) + class_token
        if position == 'learned':
            self.position = nn.Parameter(torch.zeros(1, count, dim))
            add_load_hook(self, _resize_loaded)
        elif position == 'sinusoid':
            self.register_buffer('position', sinusoids(count, dim)[None], persistent=False)
        else:
            self.position = None
        for parameter in self.parameters():
            nn.init.trunc_normal_(parameter, std=0.02)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Map, (B, H, W, C) -> the same shape, and the class token, (B, 1, C) or None."""
        cls: Tensor | None = self.cls_token
        if self.position is not None:
            position = self.position
            if cls is not None:
                cls, position = cls + position[:, :1], position[:, 1:]
            position = resize_positions(position, self.grid, x.shape[1:3])
            # (1, H * W, C) -> (1, H, W, C)
            x = x + position.unflatten(1, x.shape[1:3]).to(x.dtype)
        return x, None if cls is None else cls.to(x.dtype).expand(x.shape[0], -1, -1)


def resize_positions(position: Tensor, grid: Sequence[int], size: Sequence[int]) -> Tensor:
    """Resizes the position embeddings of patch tokens (bicubic).

    Args:
        position: (1, rows * columns, C).
        grid: Rows and columns of ``position``.
        size: H and W of the result.

    Returns:
        (1, H * W, C).
    """
    if all(is_known(side == stored) for side, stored in zip(size, grid, strict=True)):
        return position
    # (1, rows * columns, C) -> (1, C, rows, columns)
    maps = position.unflatten(1, grid).permute(0, 3, 1, 2)
    maps = F.interpolate(maps, size=tuple(size), mode='bicubic', align_corners=False)
    # (1, C, H, W) -> (1, H * W, C)
    return maps.permute(0, 2, 3, 1).flatten(1, 2)


def sinusoids(count: int, dim: int) -> Tensor:
    """sin and cos of position / 10000^(2i / C), interleaved, (count, C)."""
    position = torch.arange(count)[:, None]
    channel = torch.arange(dim)[None]
    angle = position / 10000 ** (2 * (channel // 2) / dim)
    return torch.where(channel % 2 == 0, angle.sin(), angle.cos())


def _resize_loaded(
    module: TokenEmbedding, state_dict: MutableMapping[str, Tensor], prefix: str, *_: object
) -> None:
    key = prefix + 'position'
    loaded, position = state_dict.get(key), module.position
    if loaded is None or position is None or loaded.shape == position.shape:
        return
    extra = int(module.cls_token is not None)
    side = math.isqrt(max(loaded.shape[1] - extra, 0))
    if loaded.shape[2] != position.shape[2] or side * side + extra != loaded.shape[1]:
        raise InputError(
            f'{key} of shape {tuple(loaded.shape)} cannot be resized to '
            f'{tuple(position.shape)}: it needs the same channels, a square '
            f'grid{" and a class token" if extra else ", and no class token"}.'
        )
    cls, patches = loaded[:, :extra], loaded[:, extra:]
    patches = resize_positions(patches.float(), (side, side), module.grid).to(loaded.dtype)
    state_dict[key] = torch.cat([cls, patches], dim=1)
