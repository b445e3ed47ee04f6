"""Measuring time and memory of networks side by side."""

from importlib import import_module

_MODULES = dict(load_network='networks', peak_bytes='measure')

__all__ = ['load_network', 'peak_bytes']


def __getattr__(name: str) -> object:
    """Imports PyTorch only when it is used: a process that needs none starts fast."""
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(f'.{_MODULES[name]}', __name__), name)
