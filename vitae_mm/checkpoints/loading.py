"""Loading a checkpoint into a backbone, strictly."""
import os
from collections.abc import Mapping

from torch import Tensor, nn

from vitae_mm.errors import InputError

from .files import read_checkpoint
from .unwrap import unwrap_state_dict

SHOWN = 3
"""How many keys of each kind an error names."""


def load_pretrained(module: nn.Module, path: str | os.PathLike, prefix: str | None = None) -> None:
    """Loads ``path`` into ``module``; every parameter and buffer must match.

    Keys of stages that the module does not build (``out_indices``) and of
    heads are left aside.

    Args:
        module: The backbone.
        path: Local file.
        prefix: Where the backbone's keys are found in the file. Defaults to
            'backbone.' if such keys are there, else none.

    Raises:
        InputError: If a key of the module is missing or has another shape.
    """
    state = unwrap_state_dict(read_checkpoint(path)).state_dict
    if prefix is None:
        prefix = 'backbone.' if any(key.startswith('backbone.') for key in state) else ''
    prefix = prefix if not prefix or prefix.endswith('.') else prefix + '.'
    own = {key[len(prefix):]: value for key, value in state.items() if key.startswith(prefix)}
    check_match(module, own, f'checkpoint {path}')
    module.load_state_dict({key: own[key] for key in module.state_dict()})


def check_match(module: nn.Module, state_dict: Mapping[str, Tensor], source: str) -> None:
    """Checks that ``state_dict`` fills the whole of ``module``.

    Raises:
        InputError: Naming counts of matched, missing, misshapen and
            unexpected keys, and a few of each.
    """
    wanted = {key: value.shape for key, value in module.state_dict().items()}
    shared = wanted.keys() & state_dict.keys()
    misshapen = [f'{key} {tuple(state_dict[key].shape)} for {tuple(wanted[key])}'
                 for key in sorted(shared) if state_dict[key].shape != wanted[key]]
    missing = sorted(wanted.keys() - shared)
    unexpected = sorted(state_dict.keys() - shared)
    if not missing and not misshapen:
        return
    counts = (f'{len(shared) - len(misshapen)} of {len(wanted)} keys matched, {len(missing)} '
              f'missing, {len(misshapen)} of another shape, {len(unexpected)} unexpected')
    samples = '; '.join(f'{name}: {", ".join(keys[:SHOWN])}' for name, keys in (
        ('missing', missing), ('of another shape', misshapen), ('unexpected', unexpected)) if keys)
    raise InputError(f'{source} does not fit {type(module).__name__}: {counts} ({samples}). Give '
                     'a checkpoint of the same network; one in the published layout is converted '
                     'with tools/convert_checkpoint.py first.')
