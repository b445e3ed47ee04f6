"""Importing optional packages, only in the commands that need them."""

from importlib import import_module
from types import ModuleType

from vitae_mm.errors import InputError


def require_package(
    name: str, need: str, remedy: str = 'pip install -r requirements/optional.txt'
) -> ModuleType:
    """Imports a package.

    Args:
        name: Module to import.
        need: Start of the error message, which says what needs the package.
        remedy: Command that installs it.

    Raises:
        InputError: If the package is missing.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise InputError(f'{need} ({error}): {remedy}') from error
