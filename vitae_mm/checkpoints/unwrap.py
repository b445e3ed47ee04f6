"""Unwrapping state dicts from the formats of training programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vitae_mm.errors import InputError

WRAPPERS = ('state_dict_ema', 'model_ema', 'state_dict', 'model')
"""Keys under which training programs save weights, averaged ones first."""

PREFIX = 'module.'
"""Prefix that DistributedDataParallel adds to every key."""


@dataclass(frozen=True)
class Unwrapped:
    """A bare state dict, and the wrappers that were removed, outermost first."""

    state_dict: dict[str, Tensor]
    wrappers: tuple[str, ...]


def unaveraged(checkpoint: Any) -> Any:
    """Returns a checkpoint with the trained weights instead of their average.

    mmengine's EMAHook saves the average as the weights. Other checkpoints are
    returned unchanged.
    """
    if not isinstance(checkpoint, Mapping) or not isinstance(
        checkpoint.get('ema_state_dict'), Mapping
    ):
        return checkpoint
    trained = {key: value for key, value in checkpoint['ema_state_dict'].items() if key != 'steps'}
    return {**checkpoint, 'state_dict': trained}


def unwrap_state_dict(checkpoint: Any, ema: bool = True) -> Unwrapped:
    """Removes wrappers and ``module.`` prefixes.

    Args:
        checkpoint: Content of the file.
        ema: Prefer averaged weights if there are both. Defaults to True.

    Raises:
        InputError: If no state dict is found.
    """
    wrappers = []
    names = WRAPPERS if ema else [name for name in WRAPPERS if not name.endswith('ema')]
    while isinstance(checkpoint, Mapping):
        inner = next((name for name in names if isinstance(checkpoint.get(name), Mapping)), None)
        if inner is None:
            break
        wrappers.append(inner)
        checkpoint = checkpoint[inner]
    if (
        not isinstance(checkpoint, Mapping)
        or not checkpoint
        or not all(isinstance(value, Tensor) for value in checkpoint.values())
    ):
        found = (
            sorted(map(str, checkpoint))[:5]
            if isinstance(checkpoint, Mapping)
            else type(checkpoint).__name__
        )
        raise InputError(
            f'no state dict in the checkpoint: expected tensors by name, bare or under one of '
            f'{WRAPPERS}, found {found}.'
        )
    state = dict(checkpoint)
    while all(key.startswith(PREFIX) for key in state):
        wrappers.append(PREFIX)
        state = {key[len(PREFIX) :]: value for key, value in state.items()}
    return Unwrapped(state, tuple(wrappers))
