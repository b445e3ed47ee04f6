"""ViTAE, ViTAEv2 and CeiT backbones for the OpenMMLab codebases."""

from .version import __version__

__all__ = ['__version__']
