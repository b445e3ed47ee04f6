"""Compiling backbones with ``torch.compile``."""

import torch
from torch import nn

from vitae_mm.backbones.backbone import StagedBackbone
from vitae_mm.compat import compile_module

MODES = ('default', 'reduce-overhead', 'max-autotune', 'max-autotune-no-cudagraphs')
"""Modes of ``torch.compile``."""


def compile_backbone(backbone: nn.Module, mode: str = 'default') -> None:
    """Compiles a backbone in place, at its first call.

    The first image size is compiled as it is. As soon as a second one is seen, as in multi-scale
    training, our backbones are compiled once more for all sizes.

    Args:
        backbone: A backbone of any codebase.
        mode: One of :data:`MODES`. Defaults to 'default'.
    """
    options = torch._inductor.list_mode_options(mode)
    if isinstance(backbone, StagedBackbone):
        # they choose memory formats themselves, and with this pass of PyTorch 2.11, sizes that
        # vary do not compile on CPUs (pytorch/pytorch#185510)
        options['layout_optimization'] = False
    compile_module(backbone, options=options)
