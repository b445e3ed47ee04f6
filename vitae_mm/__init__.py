"""ViTAE, ViTAEv2 and CeiT backbones for the OpenMMLab codebases."""

from . import hub
from .environment import find_conflict
from .hub import find_config
from .version import __version__

__all__ = ['__version__', 'find_config']

_conflict = find_conflict()
if _conflict:
    raise ImportError(_conflict)

hub.register()
