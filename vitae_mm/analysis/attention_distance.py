"""The average attention distance of layers, which shows how far attention reaches.

An Image is Worth 16x16 Words, Dosovitskiy et al., ICLR 2021, Fig. 7.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from vitae_mm.errors import InputError

from .attention_weights import REMEDY, Attention, watch_attention


@torch.no_grad()
def measure_distances(
    model: BaseModel, layers: Mapping[str, nn.Module], images: Iterable[Tensor]
) -> dict[str, Any]:
    """Averages attention distances over images, with the same weight for each image.

    Images are processed one by one: memory must hold the attention weights of one layer for one
    image, and briefly up to three times as much.

    Args:
        model: Model of a codebase, in eval mode.
        layers: From :func:`attention_layers`.
        images: Inputs of the network, (1, C, H, W), of any sizes.

    Returns:
        A dict with the number of ``images``, their ``input_sizes`` (height and width), and
        ``layers``: for each, its ``name``, the ``stride`` of its map, and the average distances of
        its ``heads`` and their ``mean``, in pixels of the network's input.

    Raises:
        InputError: If the map of a layer does not divide an image; see :func:`find_stride`.
    """
    sizes: list[tuple[int, ...]] = []
    strides: dict[str, int] = {}
    distances: dict[str, list[Tensor]] = {name: [] for name in layers}

    def see(name: str, attention: Attention) -> None:
        strides[name] = find_stride(attention.grid, sizes[-1])
        distances[name].append(strides[name] * average_distance(attention))

    for image in images:
        sizes.append(tuple(image.shape[2:]))
        with watch_attention(layers, sizes[-1], see):
            model.extract_feat(image)
    heads = {name: torch.stack(each).mean(0).tolist() for name, each in distances.items()}
    rows = [
        dict(name=name, stride=strides[name], mean=sum(each) / len(each), heads=each)
        for name, each in heads.items()
    ]
    return dict(images=len(sizes), input_sizes=sorted(set(sizes)), layers=rows)


def find_stride(grid: Sequence[int], image_size: Sequence[int]) -> int:
    """Returns the number of pixels between neighboring positions of a map.

    Args:
        grid: Rows and columns of the map.
        image_size: Height and width of the image.

    Raises:
        InputError: If the map does not divide the image, for example because of padding.
    """
    stride = image_size[0] // grid[0]
    if (stride * grid[0], stride * grid[1]) != tuple(image_size):
        raise InputError(
            f'a map of {grid[0]}x{grid[1]} positions does not divide an image of '
            f'{image_size[0]}x{image_size[1]} pixels. {REMEDY}'
        )
    return stride


def average_distance(attention: Attention) -> Tensor:
    """Returns the average attention distance of each head in positions, (heads,).

    This is the distance from a query to its keys, weighted by attention and averaged over queries.
    Class tokens and padding are neither queries nor keys: a query's weights are divided by their
    sum over the map. A query without weight on the map is left out.
    """
    positions, (_, width) = attention.positions, attention.grid
    inside = positions >= 0
    # (G, N, 2): row and column
    places = torch.stack([positions // width, positions % width], dim=-1).to(attention.weights)
    # matrix products would make small distances inexact
    between = torch.cdist(places, places, compute_mode='donot_use_mm_for_euclid_dist')
    keys = inside.to(between)[:, None]
    # (G, heads, N, N) -> (G, heads, N)
    weighted = torch.einsum('ghqk,gqk->ghq', attention.weights, between * keys)
    total = torch.einsum('ghqk,gqk->ghq', attention.weights, keys.expand_as(between))
    # (G, heads, N) -> (queries, heads)
    return (weighted / total).transpose(1, 2)[inside].nanmean(dim=0)
