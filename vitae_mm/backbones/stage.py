"""A stage: a reduction and the cells that follow it."""

from collections.abc import Iterable

from torch import Tensor, nn

from vitae_mm.layers import (
    ImageToTokens,
    PatchEmbedding,
    PyramidReduction,
    TokenEmbedding,
    next_multiple,
    pad_map,
    run_module,
)

from .cells import NormalCell, ReductionCell, build_pyramid
from .spec import StageSpec

Reduction = ReductionCell | PyramidReduction | PatchEmbedding | ImageToTokens


class Stage(nn.Module):
    """A reduction and the cells that follow it on the same map.

    Args:
        reduction (Reduction): Downsamples the map by its ``ratio``. Maps that
            the ratio does not divide are first zero-padded at the right and
            bottom.
        cells (Iterable[nn.Module]): Each takes and returns a map and a class
            token.
        embedding (TokenEmbedding, optional): Adds position embeddings and
            creates the class token, after the reduction.
    """

    def __init__(
        self,
        reduction: Reduction,
        cells: Iterable[nn.Module],
        embedding: TokenEmbedding | None = None,
    ):
        super().__init__()
        self.reduction = reduction
        self.ratio = reduction.ratio
        self.embedding = embedding
        self.cells = nn.ModuleList(cells)

    def forward(self, x: Tensor, with_cp: bool = False) -> tuple[Tensor, list[Tensor | None]]:
        """
        Args:
            x: Map, (B, H, W, C_in).
            with_cp: Recompute each cell in the backward pass. Defaults to
                False.

        Returns:
            The map, (B, H', W', D), and the class token after each cell, each
            (B, 1, D) or None.
        """
        x, cls = self.embed(x, with_cp)
        tokens = []
        for cell in self.cells:
            x, cls = run_module(cell, with_cp, x, cls)
            tokens.append(cls)
        return x, tokens

    def embed(self, x: Tensor, with_cp: bool = False) -> tuple[Tensor, Tensor | None]:
        """Returns the map before the first cell, and the class token or None."""
        x = run_module(self.reduction, with_cp, pad_to_multiple(x, self.ratio))
        return (x, None) if self.embedding is None else self.embedding(x)


def build_stage(
    spec: StageSpec,
    *,
    cell: type[NormalCell] = NormalCell,
    last_cell: type[NormalCell] | None = None,
) -> Stage:
    """Builds a stage of ViTAE or ViTAEv2.

    Args:
        spec: Description of the stage.
        cell: Class of the normal cells. Defaults to :class:`NormalCell`.
        last_cell: Class of the last normal cell. Defaults to ``cell``.
    """
    reduction: Reduction
    if spec.reduction == 'cell':
        reduction = ReductionCell(spec)
    elif spec.reduction == 'pyramid':
        reduction = build_pyramid(spec)
    else:
        reduction = PatchEmbedding(spec.in_dim, spec.dim, spec.ratio)
    kinds = [cell] * spec.depth
    if last_cell is not None:
        kinds[-1:] = [last_cell]
    cells = (
        kind(spec, drop_path_rate=rate, shifted=spec.shift_window and i % 2 == 1)
        for i, (kind, rate) in enumerate(zip(kinds, spec.drop_path_rates, strict=True))
    )
    return Stage(reduction, cells)


def pad_to_multiple(x: Tensor, ratio: int) -> Tensor:
    """Zero-pads a map (B, H, W, C) at the right and bottom until ``ratio`` divides H and W."""
    rows, cols = (next_multiple(side, ratio) - side for side in x.shape[1:3])
    return pad_map(x, (0, rows), (0, cols))
