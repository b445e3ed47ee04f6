"""Random masks over the tokens of a map, for masked pretraining."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class VisibleTokens:
    """A random selection of the tokens of each map in a batch, in random order.

    Masked Autoencoders Are Scalable Vision Learners, He et al., CVPR 2022,
    Sec. 3: the tokens are shuffled and the first K are kept.

    Args:
        order (Tensor): Shuffled token indices, (B, H * W); tokens are numbered
            row by row.
        count (int): Number of visible tokens (K), the first of ``order``.
        grid (tuple[int, int]): H and W.
    """

    order: Tensor
    count: int
    grid: tuple[int, int]

    @classmethod
    def draw(
        cls, batch: int, grid: Sequence[int], mask_ratio: float, device: torch.device
    ) -> 'VisibleTokens':
        """Masks a share of the tokens of each map at random.

        Args:
            batch: Number of maps (B).
            grid: H and W.
            mask_ratio: Masked share, in (0, 1); see :func:`visible_count`.
            device: Device of the maps.
        """
        height, width = grid
        order = torch.rand(batch, height * width, device=device).argsort(dim=1)
        return cls(order, visible_count(height * width, mask_ratio), (height, width))

    @property
    def indices(self) -> Tensor:
        """Indices of the visible tokens, (B, K)."""
        return self.order[:, : self.count]

    @property
    def restore(self) -> Tensor:
        """Place of each token in ``order``, (B, H * W)."""
        return self.order.argsort(dim=1)

    @property
    def mask(self) -> Tensor:
        """1 for masked tokens, 0 for visible ones, (B, H * W)."""
        return (self.restore >= self.count).float()

    def pick(self, x: Tensor) -> Tensor:
        """Selects the visible tokens of maps, (B, H, W, C) -> (B, 1, K, C)."""
        # (B, H, W, C) -> (B, H * W, C) -> (B, 1, K, C)
        return x.flatten(1, 2).gather(1, self._index(x)).unsqueeze(1)

    def spread(self, x: Tensor) -> Tensor:
        """The inverse of :meth:`pick`, with zeros for masked tokens,
        (B, 1, K, C) -> (B, H, W, C)."""
        tokens = x.new_zeros(x.shape[0], self.order.shape[1], x.shape[3])
        # (B, K, C) -> (B, H * W, C) -> (B, H, W, C)
        return tokens.scatter(1, self._index(x), x.squeeze(1)).unflatten(1, self.grid)

    def _index(self, x: Tensor) -> Tensor:
        return self.indices.unsqueeze(-1).expand(-1, -1, x.shape[-1])


def visible_count(tokens: int, mask_ratio: float) -> int:
    """Number of tokens that are not masked, rounded to the nearest integer."""
    return round(tokens * (1 - mask_ratio))
