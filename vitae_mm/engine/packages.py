"""Packages that only some commands need."""

from importlib import import_module
from types import ModuleType

from vitae_mm.errors import InputError

OPTIONAL = 'pip install -r requirements/optional.txt'


def require_package(name: str, need: str, remedy: str = OPTIONAL) -> ModuleType:
    """Imports a package.

    Args:
        name: As it is imported.
        need: What needs which package, the beginning of the message.
        remedy: Command that installs it.

    Raises:
        InputError: If it is missing.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise InputError(f'{need} ({error}): {remedy}') from error
