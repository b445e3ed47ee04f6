"""Inflating 1x1 parallel convs to 3x3 convs with the same output."""

from collections.abc import Mapping

from torch import Tensor

from vitae_mm.errors import InputError
from vitae_mm.layers import inflate_kernel

from .identify import BACKBONE_PREFIX

KERNEL = 3


def inflate_state_dict(state_dict: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], int]:
    """Inflates the parallel convs (PCM) of an encoder.

    ViTAEv2, "Scaling up"; see :func:`inflate_kernel`.

    Args:
        state_dict: Entries of a model with a backbone of this package.

    Returns:
        The entries with 3x3 instead of 1x1 kernels, and the number of
        inflated kernels.

    Raises:
        InputError: If there is no such backbone.
    """
    if not any(key.startswith(f'{BACKBONE_PREFIX}stages.') for key in state_dict):
        raise InputError(
            'the checkpoint has no backbone of vitae_mm (backbone.stages.*) to inflate: give one '
            'from masked pretraining with vitae_mm.MaskedViTAE.'
        )
    inflated = {
        key: inflate_kernel(value, KERNEL)
        for key, value in state_dict.items()
        if '.pcm.conv' in key and value.ndim == 4 and value.shape[2:] == (1, 1)
    }
    return {**state_dict, **inflated}, len(inflated)
