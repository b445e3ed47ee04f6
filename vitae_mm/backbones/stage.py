from collections.abc import Sequence

from torch import Tensor, nn

from vitae_mm.layers import TokenEmbedding, next_multiple, pad_map, run_module

from .cells import NormalCell


class Stage(nn.Module):
    """A reduction and the normal cells that follow it on the same map.

    Args:
        reduction (nn.Module): Map -> map smaller by its ``ratio``, which
            divides the map: one that it does not divide is zero-padded at
            its right and bottom first.
        cells (Sequence[NormalCell]): Map and class token -> the same.
        embedding (TokenEmbedding, optional): Adds positions and the class
            token behind the reduction.
    """

    def __init__(
        self,
        reduction: nn.Module,
        cells: Sequence[NormalCell],
        embedding: TokenEmbedding | None = None,
    ):
        super().__init__()
        self.reduction = reduction
        self.embedding = embedding
        self.cells = nn.ModuleList(cells)

    def forward(self, x: Tensor, with_cp: bool = False) -> tuple[Tensor, list[Tensor | None]]:
        """
        Args:
            x: Map, (B, H, W, C_in).
            with_cp: Recompute each cell in the backward pass.

        Returns:
            The map (B, H', W', D), and the class token behind each cell,
            (B, 1, D) or None.
        """
        x = run_module(self.reduction, with_cp, pad_to_multiple(x, self.reduction.ratio))
        x, cls = (x, None) if self.embedding is None else self.embedding(x)
        tokens = []
        for cell in self.cells:
            x, cls = run_module(cell, with_cp, x, cls)
            tokens.append(cls)
        return x, tokens


def pad_to_multiple(x: Tensor, ratio: int) -> Tensor:
    """Zero-pads a map (B, H, W, C) at its right and bottom until ``ratio``
    divides H and W."""
    rows, cols = (next_multiple(side, ratio) - side for side in x.shape[1:3])
    return pad_map(x, (0, rows), (0, cols))
