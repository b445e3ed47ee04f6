"""Loading a checkpoint into a model, strictly."""
import os
from collections.abc import Mapping

from torch import Tensor, nn

from vitae_mm.errors import InputError

from .files import read_checkpoint
from .unwrap import unwrap_state_dict

SHOWN = 3
"""How many keys of each kind an error names."""


def load_pretrained(module: nn.Module, path: str | os.PathLike,
                    prefix: str | None = None) -> None:
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
        prefix = 'backbone.' if any(key.startswith('backbone.') for key in state) else ''
    own = entries_below(state, prefix, module)
    check_match(module, own, f'checkpoint {path}')
    module.load_state_dict(own)


def entries_below(state_dict: Mapping[str, Tensor], prefix: str,
                  module: nn.Module | None = None) -> dict[str, Tensor]:
    """The entries that begin with ``prefix``, without it.

    Those of parts that ``module``, if given, says it was built without (its
    ``left_out``) are dropped.
    """
    prefix = prefix if not prefix or prefix.endswith('.') else prefix + '.'
    own = {key[len(prefix):]: value for key, value in state_dict.items()
           if key.startswith(prefix)}
    left_out = tuple(getattr(module, 'left_out', ()))
    return {key: value for key, value in own.items() if not key.startswith(left_out)}


def check_match(module: nn.Module, state_dict: Mapping[str, Tensor], source: str) -> None:
    """Checks that ``state_dict`` has the keys and shapes of ``module``.

    Shapes are not compared where a submodule adapts them while loading.

    Raises:
        InputError: Naming counts of matched, missing, misshapen and
            unexpected keys, a few of each, and, where the two are networks
            known here, which.
    """
    wanted = {key: value.shape for key, value in module.state_dict().items()}
    shared = wanted.keys() & state_dict.keys()
    misshapen = [f'{key} {tuple(state_dict[key].shape)} for {tuple(wanted[key])}'
                 for key in misshapen_keys(module, state_dict)]
    missing = sorted(wanted.keys() - shared)
    unexpected = sorted(state_dict.keys() - shared)
    if not (missing or misshapen or unexpected):
        return
    counts = (f'{len(shared) - len(misshapen)} of {len(wanted)} keys matched, {len(missing)} '
              f'missing, {len(misshapen)} of another shape, {len(unexpected)} unexpected')
    samples = '; '.join(f'{name}: {", ".join(keys[:SHOWN])}' for name, keys in (
        ('missing', missing), ('of another shape', misshapen), ('unexpected', unexpected)) if keys)
    raise InputError(f'{source} does not fit {type(module).__name__}: {counts} ({samples}).'
                     f'{_variants(module, state_dict)} Give a checkpoint of the same network; one '
                     'in the published layout is converted with tools/convert_checkpoint.py first.')


def misshapen_keys(module: nn.Module, state_dict: Mapping[str, Tensor]) -> list[str]:
    """Keys that both have, of another shape and in no submodule that adapts
    what it loads."""
    adapting = tuple(f'{name}.' if name else '' for name, part in module.named_modules()
                     if part._load_state_dict_pre_hooks)
    return [key for key, value in module.state_dict().items()
            if key in state_dict and state_dict[key].shape != value.shape
            and not key.startswith(adapting)]


def _variants(module: nn.Module, state_dict: Mapping[str, Tensor]) -> str:
    """Which network the file holds and which was asked for, if both are known."""
    backbone, prefix = (module, '') if hasattr(module, 'identify') else (
        getattr(module, 'backbone', None), 'backbone.')
    if not hasattr(backbone, 'identify'):
        return ''
    found = backbone.identify(entries_below(state_dict, prefix, backbone))
    wanted = backbone.identify(backbone.state_dict())
    if not found.exact or found == wanted:
        return ''
    asked = str(wanted) if wanted.exact else f'a {type(backbone).__name__} of other widths'
    return f' It holds {found}; asked for was {asked}.'
