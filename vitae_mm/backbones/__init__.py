"""The networks, as backbones registered with mmengine."""

from .backbone import StagedBackbone
from .ceit import CeiT
from .vitae import ViTAE
from .vitaev2 import ViTAEv2

__all__ = ['CeiT', 'StagedBackbone', 'ViTAE', 'ViTAEv2']
