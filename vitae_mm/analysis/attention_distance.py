"""How far attention reaches: the average attention distance of each layer.

An Image is Worth 16x16 Words, Dosovitskiy et al., ICLR 2021, Fig. 7.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .attention_weights import Attention, find_stride, watch_attention


@dataclass(frozen=True)
class LayerDistance:
    """Average attention distance of a layer, in pixels of what the network sees.

    Attributes:
        name: Of the layer in its network.
        stride: Pixels from one cell of its map to the next.
        heads: Of each head.
    """

    name: str
    stride: int
    heads: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the heads."""
        return sum(self.heads) / len(self.heads)


@torch.no_grad()
def measure_distances(
    model: nn.Module, layers: Mapping[str, nn.Module], images: Iterable[Tensor]
) -> list[LayerDistance]:
    """Average attention distances over images; each counts the same.

    Images go through one by one, so that memory is for the weights of one
    layer for one image, and up to three times as much for a moment.

    Args:
        model: Of a codebase, in eval mode.
        layers: Of :func:`attention_layers`.
        images: As the network takes them, (1, C, H, W), of any sizes.

    Returns:
        Of each layer, in the order given.

    Raises:
        InputError: For an image that the cells of a layer do not fit; see
            :func:`find_stride`.
    """
    strides, distances = {}, {name: [] for name in layers}
    for image in images:
        size = image.shape[2:]

        def see(name: str, attention: Attention) -> None:
            strides[name] = find_stride(attention.grid, size)
            distances[name].append(strides[name] * average_distance(attention))

        with watch_attention(layers, size, see):
            model.extract_feat(image)
    return [
        LayerDistance(name, strides[name], tuple(torch.stack(of_images).mean(0).tolist()))
        for name, of_images in distances.items()
    ]


def average_distance(attention: Attention) -> Tensor:
    """Average attention distance of each head, in cells: (heads, ).

    The mean over the queries of the distance from the centre of a query's
    cell to those of its keys, weighted by attention. Class tokens and padding
    are neither queries nor keys: a query's weights are divided by their sum
    over the cells. A query with no weight on any is left out.
    """
    cells, (_, width) = attention.cells, attention.grid
    inside = cells >= 0
    # (G, N, 2)
    places = torch.stack([cells // width, cells % width], dim=-1).to(attention.weights.dtype)
    # distances close by would be inexact by way of a matrix product
    between = torch.cdist(places, places, compute_mode='donot_use_mm_for_euclid_dist')
    keys = inside.to(between.dtype)[:, None]
    # (G, heads, N, N) -> (G, heads, N)
    weighted = torch.einsum('ghqk,gqk->ghq', attention.weights, between * keys)
    total = torch.einsum('ghqk,gqk->ghq', attention.weights, keys.expand_as(between))
    # (G, heads, N) -> (queries, heads)
    return (weighted / total).transpose(1, 2)[inside].nanmean(dim=0)
