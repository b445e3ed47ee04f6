"""The attention of a single cell of a map, which shows where a layer looks from there."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from mmengine.model import BaseModel
from torch import nn

from vitae_mm.errors import InputError

from .activation_layers import covered_size
from .attention_weights import Attention, attention_layers, watch_attention
from .loading import image_reader, input_pixels, network_input

MAX_BYTES = 2**30
"""Size of the largest weights that are computed; memory holds up to three times as much."""


@dataclass(frozen=True)
class CellAttention:
    """The attention of a cell of a layer's map.

    Attributes:
        image: Input of the network without padding, (H, W, 3) RGB uint8.
        weights: Weights of the cell for each cell of the map, (heads, rows, columns).
        cell: Row and column of the cell.
        covered: Height and width of the area that the map covers, in pixels of the image. The area
            starts at the top left and may be larger than the image.
    """

    image: np.ndarray
    weights: np.ndarray
    cell: tuple[int, int]
    covered: tuple[int, ...]


class AttentionViewer:
    """Computes the attention of cells for single images.

    Attributes:
        layers: The layers that have attention weights, by their names in the backbone.

    Args:
        model: From ``load_model``, with its config as ``cfg``.

    Raises:
        InputError: If no layer has attention weights.
    """

    def __init__(self, model: BaseModel):
        self.layers = attention_layers(model.backbone)
        self.model = model
        self.read = image_reader(model)

    @torch.no_grad()
    def __call__(self, path: Path, layer: str, place: tuple[float, float]) -> CellAttention:
        """Computes the attention of the cell at a place of an image.

        Args:
            path: Image file.
            layer: Name of a layer in :attr:`layers`.
            place: Fractions of the height and the width of the network's input, without padding.

        Raises:
            InputError: If there is no such layer, if the image cannot be read, if the weights of
                the layer would be too large, or if its tokens do not form a map.
        """
        if layer not in self.layers:
            raise InputError(f'layer {layer!r}: give one of {", ".join(self.layers)}.')
        item = self.read(path)
        images = network_input(self.model, item)
        height, width = item['inputs'].shape[-2:]
        seen: list[Attention] = []
        module = self.layers[layer]
        guard = module.register_forward_pre_hook(check_size)
        try:
            with watch_attention({layer: module}, images.shape[2:], lambda _, a: seen.append(a)):
                self.model.extract_feat(images)
        finally:
            guard.remove()
        rows, columns = seen[0].grid
        covered = covered_size(self.model, f'backbone.{layer}', images.shape[2:])
        cell = (
            min(int(place[0] * height / covered[0] * rows), rows - 1),
            min(int(place[1] * width / covered[1] * columns), columns - 1),
        )
        return CellAttention(
            image=input_pixels(self.model, images)[:height, :width],
            weights=weights_of(seen[0], cell),
            cell=cell,
            covered=covered,
        )


def check_size(layer: nn.Module, inputs: tuple) -> None:
    """Raises InputError if the weights of a layer for its inputs would be too large."""
    if hasattr(layer, 'window_size'):
        return
    tokens = prod(inputs[0].shape[1:-1])
    size = layer.num_heads * tokens**2 * 4
    if size > MAX_BYTES:
        raise InputError(
            f'The attention weights of this layer, over {tokens:,} tokens, would take '
            f'{size / 2**30:.1f} GiB: choose a deeper layer.'
        )


def weights_of(attention: Attention, cell: tuple[int, int]) -> np.ndarray:
    """Returns the weights of a cell (row and column) for all cells, (heads, rows, columns)."""
    rows, columns = attention.grid
    group, query = (attention.positions == cell[0] * columns + cell[1]).nonzero()[0].tolist()
    keys = attention.positions[group]
    inside = keys >= 0
    weights = attention.weights[group, :, query]
    full = weights.new_zeros(len(weights), rows * columns)
    full[:, keys[inside]] = weights[:, inside]
    # (heads, rows * columns) -> (heads, rows, columns)
    return full.unflatten(1, (rows, columns)).float().cpu().numpy()
