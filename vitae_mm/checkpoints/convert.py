"""Published state dicts -> ours."""
import re
from collections.abc import Mapping

from torch import Tensor

from vitae_mm.errors import InputError

from .tables import DERIVED, TABLES


def identify_family(state_dict: Mapping[str, Tensor]) -> str:
    """Which published family has all of these keys.

    Raises:
        InputError: Naming, for the nearest family, keys that no table knows.
    """
    unknown = {family: [key for key in state_dict if _is_unknown(key, table)]
               for family, table in TABLES.items()}
    family = min(unknown, key=lambda name: len(unknown[name]))
    if unknown[family]:
        raise InputError(
            f'the checkpoint is of no published network known here ({sorted(TABLES)}): the '
            f'nearest is {family}, which does not know {len(unknown[family])} of '
            f'{len(state_dict)} keys, such as {unknown[family][:3]}.')
    return family


def convert_state_dict(state_dict: Mapping[str, Tensor], family: str) -> dict[str, Tensor]:
    """Renames every entry by the family's table.

    Args:
        state_dict: Published entries.
        family: As :func:`identify_family` gives it.

    Returns:
        Entries named as in an mmpretrain classifier: ``backbone.*`` and,
        where the file holds a classifier, ``head.fc.*``.

    Raises:
        InputError: For a key that the table does not know.
    """
    return {_rename(key, TABLES[family]): value for key, value in state_dict.items()
            if not _is_derived(key)}


def _rename(key: str, table: Mapping[str, str]) -> str:
    module, leaf = key.rsplit('.', 1)
    # numbers between dots become {}, unless they name a submodule of the table
    for pattern, target in _compiled(table):
        match = pattern.fullmatch(module)
        if match:
            return f'{target.format(*match.groups())}.{leaf}'
    raise InputError(f'the table does not know the key {key}.')


def _is_unknown(key: str, table: Mapping[str, str]) -> bool:
    return not _is_derived(key) and not any(
        pattern.fullmatch(key.rpartition('.')[0]) for pattern, _ in _compiled(table))


def _is_derived(key: str) -> bool:
    return key.rpartition('.')[2] in DERIVED


def _compiled(table: Mapping[str, str]) -> list[tuple[re.Pattern, str]]:
    return [(re.compile(re.escape(source).replace(r'\{\}', r'(\d+)')), target)
            for source, target in table.items()]
