"""ViTAE, ViTAEv2 and CeiT backbones for the OpenMMLab codebases."""

from typing import TYPE_CHECKING, Any

from . import hub
from .environment import find_conflict
from .hub import find_config, list_models
from .version import __version__

if TYPE_CHECKING:
    from .factory import build

__all__ = ['__version__', 'build', 'find_config', 'list_models']

_conflict = find_conflict()
if _conflict:
    raise ImportError(_conflict)

hub.register()


def __getattr__(name: str) -> Any:
    if name == 'build':
        # imports PyTorch
        from .factory import build

        return build
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
