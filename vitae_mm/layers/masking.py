"""Which tokens of a map are seen."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class VisibleTokens:
    """A random choice of the cells of each map of a batch, in random order.

    Masked Autoencoders Are Scalable Vision Learners, He et al., CVPR 2022,
    Sec. 3: the cells are shuffled, and the first of them kept.

    Args:
        order (Tensor): A shuffled order of the cells, row by row, (B, H * W).
        count (int): How many of the first are visible (K).
        grid (tuple[int, int]): H and W.
    """

    order: Tensor
    count: int
    grid: tuple[int, int]

    @classmethod
    def draw(
        cls, batch: int, grid: tuple[int, int], mask_ratio: float, device: torch.device
    ) -> 'VisibleTokens':
        """All but a share of the cells of each map, at random.

        Args:
            batch: Number of maps (B).
            grid: H and W.
            mask_ratio: The share, in (0, 1); see :func:`visible_count`.
            device: Of the maps.
        """
        cells = grid[0] * grid[1]
        order = torch.rand(batch, cells, device=device).argsort(dim=1)
        return cls(order, visible_count(cells, mask_ratio), tuple(grid))

    @property
    def indices(self) -> Tensor:
        """The visible cells, (B, K)."""
        return self.order[:, : self.count]

    @property
    def restore(self) -> Tensor:
        """Where each cell went in the order, (B, H * W)."""
        return self.order.argsort(dim=1)

    @property
    def mask(self) -> Tensor:
        """1 for each cell that is not visible, 0 for the others, (B, H * W)."""
        return (self.restore >= self.count).float()

    def pick(self, x: Tensor) -> Tensor:
        """The visible cells of maps, (B, H, W, C) -> (B, 1, K, C)."""
        return x.flatten(1, 2).gather(1, self._index(x)).unsqueeze(1)

    def spread(self, x: Tensor) -> Tensor:
        """The inverse of :meth:`pick`, with zeros in the cells that are not visible."""
        cells = x.new_zeros(x.shape[0], self.order.shape[1], x.shape[3])
        return cells.scatter(1, self._index(x), x.squeeze(1)).unflatten(1, self.grid)

    def _index(self, x: Tensor) -> Tensor:
        return self.indices.unsqueeze(-1).expand(-1, -1, x.shape[-1])


def visible_count(cells: int, mask_ratio: float) -> int:
    """How many of the cells are not masked, to the nearest whole number."""
    return round(cells * (1 - mask_ratio))
