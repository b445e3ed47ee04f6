"""Learning from images without labels."""

from .masked_vitae import MaskedViTAE

__all__ = ['MaskedViTAE']
