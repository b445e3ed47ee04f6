"""Compiling backbones with ``torch.compile``."""

from torch import nn

from vitae_mm.compat import compile_module

MODES = ('default', 'reduce-overhead', 'max-autotune', 'max-autotune-no-cudagraphs')
"""Modes of ``torch.compile``."""


def compile_backbone(backbone: nn.Module, mode: str = 'default') -> None:
    """Compiles a backbone in place, at its first call.

    The first image size is compiled as it is. As soon as a second one is seen, as in multi-scale
    training, the backbone is compiled once more for sizes that vary.

    Args:
        backbone: A backbone of any codebase.
        mode: One of :data:`MODES`. Defaults to 'default'.
    """
    compile_module(backbone, mode=mode)
