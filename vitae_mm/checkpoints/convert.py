"""Published state dicts -> ours."""
import re
from collections.abc import Mapping

from torch import Tensor

from vitae_mm.errors import InputError

from .tables import DERIVED, TABLES

PATTERNS = {
    family: [(re.compile(re.escape(source).replace(r'\{\}', r'(\d+)')), target)
             for source, target in table.items()]
    for family, table in TABLES.items()
}
"""The tables with ``{}`` as a group of digits."""


def identify_family(state_dict: Mapping[str, Tensor]) -> str:
    """Which published family has all of these keys.

    Raises:
        InputError: Naming, for the nearest family, keys that no table knows.
    """
    unknown = {family: [key for key in state_dict if _is_unknown(key, family)]
               for family in TABLES}
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
    return {_rename(key, family): value for key, value in state_dict.items()
            if not _is_derived(key)}


def _rename(key: str, family: str) -> str:
    module, _, leaf = key.rpartition('.')
    for pattern, target in PATTERNS[family]:
        match = pattern.fullmatch(module)
        if match:
            return f'{target.format(*match.groups())}.{leaf}'
    raise InputError(f'the table of {family} does not know the key {key}.')


def _is_unknown(key: str, family: str) -> bool:
    module = key.rpartition('.')[0]
    return not _is_derived(key) and not any(
        pattern.fullmatch(module) for pattern, _ in PATTERNS[family])


def _is_derived(key: str) -> bool:
    return key.rpartition('.')[2] in DERIVED
