"""Self-supervised pretraining."""

from .masked_vitae import MaskedViTAE

__all__ = ['MaskedViTAE']
