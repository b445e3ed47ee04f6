"""Layers of a model whose class activation can be drawn."""

import re
from collections.abc import Sequence
from math import prod
from typing import Any

from mmengine.model import BaseModel
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from vitae_mm.backbones.stage import Stage
from vitae_mm.errors import InputError
from vitae_mm.layers import next_multiple


def default_layers(model: BaseModel) -> dict[str, nn.Module]:
    """Layers that class activation is usually drawn of, by their names in the model.

    In our networks these are the attention of each cell, and reductions without attention. In
    other backbones they are the norms, as the authors of Grad-CAM take the last one of
    transformers. Raises InputError if there are none.
    """
    modules = dict(model.named_modules())
    cells = [
        f'{name}.{cell}'
        for name, stage in modules.items()
        if isinstance(stage, Stage)
        for cell in ('reduction', *(f'cells.{i}' for i in range(len(stage.cells))))
    ]
    names = [f'{cell}.attn' if f'{cell}.attn' in modules else cell for cell in cells]
    if not names:
        norms = nn.LayerNorm, nn.GroupNorm, _BatchNorm
        names = [name for name, module in modules.items() if isinstance(module, norms)]
        names = [name for name in names if name.startswith('backbone.')]
    if not names:
        raise InputError(
            f'{type(model.backbone).__name__} has neither cells nor norms: name a layer, one of '
            "those in the model's named_modules()."
        )
    return {name: modules[name] for name in names}


def covered_size(model: BaseModel, name: str, image_size: Sequence[int]) -> tuple[int, ...]:
    """Height and width in pixels that the map of a layer covers, from the top left on.

    Stages of our networks pad what their reductions do not divide; maps of other networks are
    taken to cover the image.
    """
    stages = [module for module in model.modules() if isinstance(module, Stage)]
    match = re.search(r'stages\.(\d+)', name)
    depth = int(match[1]) + 1 if match else 0
    ratios: list[Any] = [stage.reduction.ratio for stage in stages[:depth]]
    return tuple(next_multiple(side, prod(ratios)) for side in image_size)
