"""Layers of a network that put out maps, and how their outputs lie."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from math import prod

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vitae_mm.backbones.cells import NormalCell, ReductionCell
from vitae_mm.backbones.stage import Stage
from vitae_mm.errors import InputError
from vitae_mm.layers import next_multiple

from .grids import find_grid, grids

NORMS = (nn.LayerNorm, nn.GroupNorm, _BatchNorm)
PARTS = ('attn', 'pcm', 'ffn')


def usual_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Layers of a model's backbone that class activation is usually drawn of.

    Of our networks the attention of each cell, and a reduction that is no
    cell; of others the norms, of which the last one that is read is taken by
    the authors of Grad-CAM for transformers.

    Args:
        model: Of a codebase.

    Returns:
        By their names in the model.

    Raises:
        InputError: If there are none.
    """
    modules = dict(model.named_modules())
    ours = [
        name
        for stage, module in modules.items()
        if isinstance(module, Stage)
        for name in _maps_of(stage, module)
    ]
    names = ours or [
        f'backbone.{name}'
        for name, module in model.backbone.named_modules()
        if isinstance(module, NORMS)
    ]
    if not names:
        raise InputError(
            f'{type(model.backbone).__name__} has neither cells nor norms: name a '
            'layer, of those that named_modules() of the model lists.'
        )
    return {name: modules[name] for name in names}


def find_layer(model: nn.Module, name: str) -> nn.Module:
    """The layer of this name, as ``model.named_modules()`` has it.

    Raises:
        InputError: If there is none.
    """
    layer = dict(model.named_modules()).get(name) if name else None
    if layer is None:
        raise InputError(
            f'layer {name!r}: {type(model).__name__} has none of this name; {suggest_layers(model)}'
        )
    return layer


def suggest_layers(model: nn.Module) -> str:
    """The end of a message: which layers could be given, in a short form."""
    forms = [
        form
        for name, module in model.named_modules()
        if isinstance(module, Stage)
        for form in _short_forms(name, module)
    ]
    return f'give one of {", ".join(forms or usual_layers(model))}.'


def run_watched(
    network: nn.Module, images: Tensor, layers: Mapping[str, nn.Module]
) -> tuple[object, dict[str, object]]:
    """What a network puts out, and what those of the layers did that ran, by
    name, the last one last."""
    seen = {}
    with ExitStack() as hooks:
        for name, layer in layers.items():
            hooks.callback(
                layer.register_forward_hook(
                    lambda _, inputs, output, name=name: seen.update({name: output})
                ).remove
            )
        return network(images), seen


def to_maps(output: object, layer: nn.Module, image_size: Sequence[int]) -> Tensor | None:
    """A layer's output, or its gradient, as maps.

    Rows and columns come from the numbers that are there: a map has one cell
    for each square of pixels, those at the edges are cut by it.

    Args:
        output: Map (B, H, W, C) or (B, C, H, W), or tokens (B, N, C) with
            those of a map last, behind up to two others.
        layer: Whose it is.
        image_size: Height and width of the images.

    Returns:
        (B, C, H, W) without class tokens; None for what is none of these, or
        a map of one cell.
    """
    if not isinstance(output, Tensor) or output.ndim not in (3, 4):
        return None
    if output.ndim == 3:
        count = output.shape[1]
        grid = find_grid(count, image_size)
        if grid is None:
            return None
        # (B, N, C) -> (B, C, H, W)
        return output[:, count - grid[0] * grid[1] :].unflatten(1, grid).permute(0, 3, 1, 2)
    known = set(grids(image_size))
    last, first = tuple(output.shape[1:3]) in known, tuple(output.shape[2:]) in known
    if last and first:  # as many channels as columns
        last = _is_channels_last(layer)
    if last:
        return output.permute(0, 3, 1, 2)
    return output if first else None


def covered_size(model: nn.Module, name: str, image_size: Sequence[int]) -> tuple[int, int]:
    """Height and width in pixels that the map of a layer covers, from the first on.

    Stages of our networks pad what their reductions do not divide; other
    networks' maps are taken for maps of the image.
    """
    prefix, _, rest = name.rpartition('stages.')
    stages = dict(model.named_modules()).get(f'{prefix}stages')
    stride = 1
    if rest and isinstance(stages, nn.ModuleList) and isinstance(stages[0], Stage):
        stride = prod(stage.reduction.ratio for stage in stages[: int(rest.partition('.')[0]) + 1])
    return tuple(next_multiple(side, stride) for side in image_size)


def _maps_of(name: str, stage: Stage) -> Iterator[str]:
    is_cell = isinstance(stage.reduction, ReductionCell)
    yield f'{name}.reduction.attn' if is_cell else f'{name}.reduction'
    yield from (f'{name}.cells.{i}.attn' for i in range(len(stage.cells)))


def _short_forms(name: str, stage: Stage) -> Iterator[str]:
    is_cell = isinstance(stage.reduction, ReductionCell)
    yield f'{name}.reduction' + (f'.{_parts(stage.reduction)}' if is_cell else '')
    if len(stage.cells):
        numbers = '0' if len(stage.cells) == 1 else f'{{0..{len(stage.cells) - 1}}}'
        yield f'{name}.cells.{numbers}.{_parts(stage.cells[0])}'


def _parts(cell: NormalCell | ReductionCell) -> str:
    return f'{{{",".join(part for part in PARTS if getattr(cell, part) is not None)}}}'


def _is_channels_last(layer: nn.Module) -> bool:
    ours = type(layer).__module__.startswith('vitae_mm.')
    return ours or isinstance(layer, (nn.LayerNorm, nn.Linear))
