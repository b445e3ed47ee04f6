"""Loading a checkpoint into a model, strictly."""

import os
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Size, Tensor, nn

from vitae_mm.errors import InputError
from vitae_mm.layers import is_inflatable

from .identify import BACKBONE_PREFIX, identify_network
from .read import read_checkpoint
from .unwrap import unwrap_state_dict

SHOWN = 3
"""How many keys of each kind an error names."""

ADAPTED = ('position', 'pos_embed', 'relative_position_bias_table', 'relative_position_index')
"""Entries that modules with a load hook resize to their image or window size.
A method ``adapts(name, shape)`` of the module takes precedence."""

REMEDY = (
    'Give a checkpoint of the same network; one in the published layout is converted with '
    'tools/convert_checkpoint.py first.'
)


def load_pretrained(module: nn.Module, path: str | os.PathLike, prefix: str | None = None) -> None:
    """Loads a checkpoint into a backbone, strictly.

    Args:
        module: The backbone.
        path: Local file or http(s) address.
        prefix: Prefix of the backbone's keys in the file; all others are
            ignored. Defaults to 'backbone.' if there are such keys, else to
            none.

    Raises:
        InputError: If a key is missing, unexpected or of another shape.
    """
    state = unwrap_state_dict(read_checkpoint(path)).state_dict
    if prefix is None:
        prefix = BACKBONE_PREFIX if any(key.startswith(BACKBONE_PREFIX) for key in state) else ''
    load_state_dict(module, entries_below(state, prefix), f'checkpoint {path}')


def load_state_dict(
    module: nn.Module, state_dict: Mapping[str, Tensor], source: str, *, remedy: str = REMEDY
) -> None:
    """Loads entries strictly; see :func:`check_match` for arguments and errors."""
    check_match(module, state_dict, source, remedy=remedy)
    module.load_state_dict(_needed(module, state_dict))
    if inflated := inflated_keys(module, state_dict):
        print_log(
            f'{source}: the kernels of {len(inflated)} parallel convs were inflated', 'current'
        )


def entries_below(state_dict: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Returns the entries whose keys start with ``prefix``, without the prefix."""
    prefix = prefix if not prefix or prefix.endswith('.') else prefix + '.'
    return {
        key[len(prefix) :]: value for key, value in state_dict.items() if key.startswith(prefix)
    }


def check_match(
    module: nn.Module, state_dict: Mapping[str, Tensor], source: str, *, remedy: str = REMEDY
) -> None:
    """Checks that ``state_dict`` has the keys and shapes of ``module``, and finite values.

    Entries of parts that were not built (``left_out`` of ``module`` and its
    submodules) are ignored. Shapes that a submodule adapts while loading are
    not compared.

    Args:
        module: A model or a backbone.
        state_dict: Entries named as those of ``module``.
        source: Description of the checkpoint, for the error.
        remedy: How to fix a mismatch, for the error.

    Raises:
        InputError: With the numbers of matched, missing, misshapen and
            unexpected keys, a few of each, and the published network that
            the entries belong to; or if a value is NaN or infinite.
    """
    needed = _needed(module, state_dict)
    wanted = {key: value.shape for key, value in module.state_dict().items()}
    shared = wanted.keys() & needed.keys()
    misshapen = [
        f'{key} {tuple(needed[key].shape)} for {tuple(wanted[key])}'
        for key in misshapen_keys(module, needed)
    ]
    differences = {
        'missing': sorted(wanted.keys() - shared),
        'of another shape': misshapen,
        'unexpected': sorted(needed.keys() - shared),
    }
    if not any(differences.values()):
        check_finite(module, needed, source)
        return
    counts = ', '.join(f'{len(keys)} {name}' for name, keys in differences.items())
    samples = '; '.join(
        f'{name}: {", ".join(keys[:SHOWN])}' for name, keys in differences.items() if keys
    )
    raise InputError(
        f'{source} does not fit {type(module).__name__}: {len(shared) - len(misshapen)} of '
        f'{len(wanted)} keys matched, {counts} ({samples}).'
        f'{_describe_mismatch(module, state_dict)} {remedy}'
    )


def check_finite(module: nn.Module, state_dict: Mapping[str, Tensor], source: str) -> None:
    """Checks that the values for ``module`` are finite.

    Args:
        module: A model or a backbone.
        state_dict: Entries named as those of ``module``.
        source: Description of the checkpoint, for the error.

    Raises:
        InputError: If a value is NaN or infinite, unless it belongs to a buffer
            that also has such values in ``module``, like some masks.
    """
    unbounded = nonfinite_keys(dict(module.named_buffers()))
    found = [key for key in nonfinite_keys(state_dict) if key not in unbounded]
    if found:
        raise InputError(
            f'{source}: {len(found)} of {len(state_dict)} entries contain values that are not '
            f'finite, such as {", ".join(found[:SHOWN])}; its training diverged, so use an earlier '
            'checkpoint of it, or train again with a lower learning rate.'
        )


def nonfinite_keys(state_dict: Mapping[str, Any]) -> list[str]:
    """Returns the keys of entries with NaN or infinite values, which those on the meta device do
    not have."""
    return [
        key
        for key, value in state_dict.items()
        if isinstance(value, Tensor)
        and value.is_floating_point()
        and not value.is_meta
        and not torch.isfinite(value).all()
    ]


def inflated_keys(module: nn.Module, state_dict: Mapping[str, Tensor]) -> list[str]:
    """Returns the keys of 1x1 kernels that ``module`` inflates when it loads them."""
    return [
        key
        for key, value in module.state_dict().items()
        if key in state_dict and is_inflatable(state_dict[key].shape, value.shape)
    ]


def misshapen_keys(module: nn.Module, state_dict: Mapping[str, Tensor]) -> list[str]:
    """Returns the keys whose shapes differ and are not adapted by a submodule while loading."""
    hooked = {
        f'{name}.' if name else '': part
        for name, part in module.named_modules()
        if part._load_state_dict_pre_hooks
    }
    return [
        key
        for key, value in module.state_dict().items()
        if key in state_dict
        and state_dict[key].shape != value.shape
        and not any(
            _adapts(part, key[len(prefix) :], state_dict[key].shape)
            for prefix, part in hooked.items()
            if key.startswith(prefix)
        )
    ]


def _adapts(part: Any, name: str, shape: Size) -> bool:
    if hasattr(part, 'adapts'):
        return part.adapts(name, shape)
    return name.rpartition('.')[2] in ADAPTED


def _needed(module: nn.Module, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns the entries except those of parts that were not built."""
    left_out = tuple(
        f'{name}.{part}' if name else part
        for name, owner in module.named_modules()
        for part in getattr(owner, 'left_out', ())
    )
    return {key: value for key, value in state_dict.items() if not key.startswith(left_out)}


def _describe_mismatch(module: nn.Module, state_dict: Mapping[str, Tensor]) -> str:
    """Names the published network in the checkpoint, unless it is the expected one."""
    backbone, prefix = getattr(module, 'backbone', None), BACKBONE_PREFIX
    if backbone is None:
        backbone, prefix = module, ''
    found = identify_network(entries_below(state_dict, prefix))
    expected, arch = type(backbone).__name__, getattr(backbone, 'arch', None)
    if isinstance(arch, str):
        expected += f' {arch!r}'
    elif isinstance(arch, Mapping):
        expected = f'a {expected} with a custom arch'
    if found is None or str(found) == expected:
        return ''
    return f' It contains {found}; expected {expected}.'
