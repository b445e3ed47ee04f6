"""The networks, as registry-decorated backbones."""

from .base_backbone import StagedBackbone, Variant
from .ceit import CeiT
from .vitae import ViTAE
from .vitaev2 import ViTAEv2

__all__ = ['CeiT', 'StagedBackbone', 'Variant', 'ViTAE', 'ViTAEv2']
