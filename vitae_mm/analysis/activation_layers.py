"""The layers whose class activation is drawn, and the parts of an image that they cover."""

import re
from collections.abc import Sequence
from math import prod

from mmengine.model import BaseModel
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from vitae_mm.backbones.stage import Stage
from vitae_mm.errors import InputError
from vitae_mm.layers import next_multiple


def default_layers(model: BaseModel) -> dict[str, nn.Module]:
    """Returns the layers whose class activation is usually drawn, by their names in the model.

    In our networks, these are the attention of each cell, and reductions without attention. In
    other backbones, they are the norms: the authors of Grad-CAM use the last norm of
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
        names = [
            name
            for name, module in modules.items()
            if name.startswith('backbone.') and isinstance(module, norms)
        ]
    if not names:
        raise InputError(
            f'{type(model.backbone).__name__} has neither cells nor norms: give the name of a '
            "layer in the model's named_modules()."
        )
    return {name: modules[name] for name in names}


def covered_size(model: BaseModel, name: str, image_size: Sequence[int]) -> tuple[int, ...]:
    """Returns height and width, in pixels, of the area that a layer's map covers.

    The area starts at the top left. Stages of our networks pad sides that their reductions do not
    divide; maps of other networks are assumed to cover exactly the image.
    """
    stages = [module for module in model.modules() if isinstance(module, Stage)]
    match = re.search(r'stages\.(\d+)', name)
    depth = int(match[1]) + 1 if match else 0
    stride = prod(stage.ratio for stage in stages[:depth])
    return tuple(next_multiple(side, stride) for side in image_size)
