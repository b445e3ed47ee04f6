"""Loading a checkpoint into a model, strictly."""

import os
from collections.abc import Mapping

from mmengine.logging import print_log
from torch import Size, Tensor, nn

from vitae_mm.errors import InputError
from vitae_mm.layers import is_inflatable

from .convert import BACKBONE
from .files import read_checkpoint
from .unwrap import unwrap_state_dict

SHOWN = 3
"""How many keys of each kind an error names."""

ADAPTED = ('position', 'pos_embed', 'relative_position_bias_table', 'relative_position_index')
"""Entries that modules with a hook for it fit to their image or window size;
modules with a method ``adapts(name, shape)`` say it themselves."""

REMEDY = (
    'Give a checkpoint of the same network; one in the published layout is converted with '
    'tools/convert_checkpoint.py first.'
)


def load_pretrained(module: nn.Module, path: str | os.PathLike, prefix: str | None = None) -> None:
    """Loads ``path`` into ``module``; the two must match key by key.

    Args:
        module: The backbone.
        path: Local file or http(s) address.
        prefix: Where the backbone's keys are found in the file; all others
            are left aside. Defaults to 'backbone.' if such keys are there,
            else none.

    Raises:
        InputError: If a key is missing, unexpected or of another shape.
    """
    state = unwrap_state_dict(read_checkpoint(path)).state_dict
    if prefix is None:
        prefix = BACKBONE if any(key.startswith(BACKBONE) for key in state) else ''
    own = entries_below(state, prefix)
    check_match(module, own, f'checkpoint {path}')
    module.load_state_dict(_needed(module, own))
    if inflated := inflated_keys(module, own):
        print_log(f'{path}: the kernels of {len(inflated)} parallel convs were inflated', 'current')


def entries_below(state_dict: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The entries that begin with ``prefix``, without it."""
    prefix = prefix if not prefix or prefix.endswith('.') else prefix + '.'
    return {
        key[len(prefix) :]: value for key, value in state_dict.items() if key.startswith(prefix)
    }


def check_match(
    module: nn.Module, state_dict: Mapping[str, Tensor], source: str, remedy: str = REMEDY
) -> None:
    """Checks that ``state_dict`` has the keys and shapes of ``module``.

    Entries of parts that ``module`` was built without (its ``left_out``) may
    be there. Shapes are not compared where a submodule adapts them while
    loading.

    Args:
        module: A model or a backbone.
        state_dict: Entries named as those of ``module``.
        source: Where they come from, for the error.
        remedy: What to do about it, for the error.

    Raises:
        InputError: Naming counts of matched, missing, misshapen and
            unexpected keys, a few of each, and, where the two are networks
            known here, which.
    """
    held, state_dict = state_dict, _needed(module, state_dict)
    wanted = {key: value.shape for key, value in module.state_dict().items()}
    shared = wanted.keys() & state_dict.keys()
    misshapen = [
        f'{key} {tuple(state_dict[key].shape)} for {tuple(wanted[key])}'
        for key in misshapen_keys(module, state_dict)
    ]
    missing = sorted(wanted.keys() - shared)
    unexpected = sorted(state_dict.keys() - shared)
    if not (missing or misshapen or unexpected):
        return
    counts = (
        f'{len(shared) - len(misshapen)} of {len(wanted)} keys matched, {len(missing)} '
        f'missing, {len(misshapen)} of another shape, {len(unexpected)} unexpected'
    )
    samples = '; '.join(
        f'{name}: {", ".join(keys[:SHOWN])}'
        for name, keys in (
            ('missing', missing),
            ('of another shape', misshapen),
            ('unexpected', unexpected),
        )
        if keys
    )
    raise InputError(
        f'{source} does not fit {type(module).__name__}: {counts} ({samples}).'
        f'{_variants(module, held)} {remedy}'
    )


def inflated_keys(module: nn.Module, state_dict: Mapping[str, Tensor]) -> list[str]:
    """Keys of convs whose kernels are of one pixel in ``state_dict``, and
    inflated when ``module`` loads them."""
    return [
        key
        for key, value in module.state_dict().items()
        if key in state_dict and is_inflatable(state_dict[key].shape, value.shape)
    ]


def misshapen_keys(module: nn.Module, state_dict: Mapping[str, Tensor]) -> list[str]:
    """Keys that both have, of another shape, but for those that submodules
    adapt while loading."""
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


def _adapts(part: nn.Module, name: str, shape: Size) -> bool:
    if hasattr(part, 'adapts'):
        return part.adapts(name, shape)
    return name.rpartition('.')[2] in ADAPTED


def _needed(module: nn.Module, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    left_out = tuple(
        f'{name}.{part}' if name else part
        for name, owner in module.named_modules()
        for part in getattr(owner, 'left_out', ())
    )
    return {key: value for key, value in state_dict.items() if not key.startswith(left_out)}


def _variants(module: nn.Module, state_dict: Mapping[str, Tensor]) -> str:
    """Which network the file holds and which was asked for, if both are known."""
    backbone, prefix = (
        (module, '')
        if hasattr(module, 'identify')
        else (getattr(module, 'backbone', None), BACKBONE)
    )
    if not hasattr(backbone, 'identify'):
        return ''
    found = backbone.identify(entries_below(state_dict, prefix))
    asked = f'{type(backbone).__name__} {backbone.arch!r}'
    if not found.exact or str(found) == asked:
        return ''
    if not isinstance(backbone.arch, str):
        asked = f'a {type(backbone).__name__} of an arch of your own'
    return f' It holds {found}; asked for was {asked}.'
