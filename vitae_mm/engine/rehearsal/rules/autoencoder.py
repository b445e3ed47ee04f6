"""Checking the decoder and the target of a masked autoencoder."""

import math
from typing import Any

from torch import nn

from vitae_mm.errors import InputError
from vitae_mm.selfsup import MaskedViTAE


def check_autoencoder(model: nn.Module) -> None:
    """Checks that mmpretrain's decoder and head fit the tokens of the encoder.

    Args:
        model: Any model, also on the meta device; only those with our masked encoder and
            mmpretrain's decoder and head are checked.

    Raises:
        InputError: If a size does not fit.
    """
    encoder = getattr(model, 'backbone', None)
    if not isinstance(encoder, MaskedViTAE):
        return
    # other tasks work without mmpretrain
    from mmpretrain.models import MAEPretrainDecoder, MAEPretrainHead

    neck, head = model.neck, model.head
    if not isinstance(neck, MAEPretrainDecoder) or not isinstance(head, MAEPretrainHead):
        return
    parts: Any = encoder
    rows, columns = parts.stages[0].embedding.grid
    patch = encoder.stride
    size = f'img_size={encoder.img_size[0]} and patches of {patch}x{patch}'
    for option, found, wanted in (
        ('model.neck.num_patches', neck.num_patches, rows * columns),
        ('model.neck.embed_dim', neck.decoder_embed.in_features, parts.norm.normalized_shape[0]),
        (
            'model.neck.patch_size',
            math.sqrt(neck.decoder_pred.out_features / encoder.in_channels),
            patch,
        ),
        ('model.head.patch_size', head.patch_size, patch),
    ):
        if found != wanted:
            raise InputError(
                f'{option}={found:g} does not fit the encoder with {size}: it must be {wanted}.'
            )
