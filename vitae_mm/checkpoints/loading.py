"""Loading a checkpoint into a backbone, strictly."""
import os
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from vitae_mm.errors import InputError

from .files import read_checkpoint
from .unwrap import unwrap_state_dict

SHOWN = 3
"""How many keys of each kind an error names."""


def load_pretrained(module: nn.Module, path: str | os.PathLike, prefix: str | None = None,
                    unused: Sequence[str] = ()) -> None:
    """Loads ``path`` into ``module``; the two must match key by key.

    Args:
        module: The backbone.
        path: Local file or http(s) address.
        prefix: Where the backbone's keys are found in the file; all others
            are left aside. Defaults to 'backbone.' if such keys are there,
            else none.
        unused: Beginnings of keys that the file may have in excess.

    Raises:
        InputError: If a key is missing, unexpected or of another shape.
    """
    state = unwrap_state_dict(read_checkpoint(path)).state_dict
    if prefix is None:
        prefix = 'backbone.' if any(key.startswith('backbone.') for key in state) else ''
    prefix = prefix if not prefix or prefix.endswith('.') else prefix + '.'
    own = {key[len(prefix):]: value for key, value in state.items() if key.startswith(prefix)}
    own = {key: value for key, value in own.items() if not key.startswith(tuple(unused))}
    check_match(module, own, f'checkpoint {path}')
    module.load_state_dict(own)


def check_match(module: nn.Module, state_dict: Mapping[str, Tensor], source: str) -> None:
    """Checks that ``state_dict`` has the keys and shapes of ``module``.

    Shapes are not compared where a submodule adapts them while loading.

    Raises:
        InputError: Naming counts of matched, missing, misshapen and
            unexpected keys, and a few of each.
    """
    wanted = {key: value.shape for key, value in module.state_dict().items()}
    shared = wanted.keys() & state_dict.keys()
    adapts = any(part._load_state_dict_pre_hooks for part in module.modules())
    misshapen = [] if adapts else [f'{key} {tuple(state_dict[key].shape)} for {tuple(wanted[key])}'
                                   for key in sorted(shared)
                                   if state_dict[key].shape != wanted[key]]
    missing = sorted(wanted.keys() - shared)
    unexpected = sorted(state_dict.keys() - shared)
    if not (missing or misshapen or unexpected):
        return
    counts = (f'{len(shared) - len(misshapen)} of {len(wanted)} keys matched, {len(missing)} '
              f'missing, {len(misshapen)} of another shape, {len(unexpected)} unexpected')
    samples = '; '.join(f'{name}: {", ".join(keys[:SHOWN])}' for name, keys in (
        ('missing', missing), ('of another shape', misshapen), ('unexpected', unexpected)) if keys)
    raise InputError(f'{source} does not fit {type(module).__name__}: {counts} ({samples}). Give '
                     'a checkpoint of the same network; one in the published layout is converted '
                     'with tools/convert_checkpoint.py first.')
