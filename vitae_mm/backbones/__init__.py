"""The networks, as registry-decorated backbones."""
from .vitaev2 import ViTAEv2

__all__ = ['ViTAEv2']
