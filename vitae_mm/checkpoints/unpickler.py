"""Unpickling checkpoints without running code in them.

``torch.load(weights_only=True)`` cannot be used: before PyTorch 2.5 it accepts no further types,
and so none of what mmengine saves with the weights.
"""

import codecs
import pickle
from argparse import Namespace
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import PosixPath
from types import BuiltinFunctionType, FunctionType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from torch import _tensor, _utils, nn

UNPICKLER: Any = pickle._Unpickler
"""The unpickler in Python: the one in C does not let a subclass refuse modifications."""


class DisallowedObjectError(pickle.UnpicklingError):
    """A file contains an object that could run code."""


class WeightsUnpickler(UNPICKLER):
    """Reads tensors, plain containers and the types in :func:`_harmless_globals`.

    Raises:
        DisallowedObjectError: For any other class or function.
    """

    stack: list[Any]

    def find_class(self, module: str, name: str) -> Any:
        # torch.save writes the names of Python 2
        module = 'builtins' if module == '__builtin__' else module
        try:
            return _harmless_globals()[f'{module}.{name}']
        except KeyError:
            raise DisallowedObjectError(f'{module}.{name}') from None

    def load_build(self) -> None:
        target = self.stack[-2]
        if isinstance(target, (type, FunctionType, BuiltinFunctionType)):
            raise DisallowedObjectError(f'a modification of {target.__name__}')
        UNPICKLER.load_build(self)

    dispatch: ClassVar = {**UNPICKLER.dispatch, pickle.BUILD[0]: load_build}


weights_pickle = SimpleNamespace(
    __name__='weights_pickle',
    Unpickler=WeightsUnpickler,
    load=lambda file, **options: WeightsUnpickler(file, **options).load(),
)
"""The ``pickle_module`` of ``torch.load``."""


@cache
def _harmless_globals() -> Mapping[str, Any]:
    """Maps names in pickles to the harmless types and functions that they stand for.

    They are those of tensors, of plain containers, and of what training programs save with the
    weights. The types of storages are known to ``torch.load`` itself.
    """
    types = [
        *(OrderedDict, Counter, set, bytes, bytearray, complex),
        *(torch.Size, torch.device, torch.Tensor, nn.Parameter, torch.UntypedStorage),
        *(np.ndarray, np.dtype, HistoryBuffer, ConfigDict, Namespace, PosixPath),
    ]
    functions: list[Callable] = [
        codecs.encode,
        _tensor._rebuild_from_type_v2,
        *(
            getattr(_utils, name)
            for name in (
                '_rebuild_tensor',
                '_rebuild_tensor_v2',
                '_rebuild_parameter',
                '_rebuild_parameter_with_state',
            )
        ),
    ]
    arrays: list[Any] = [np.array(0).__reduce__()[0], np.float64(0).__reduce__()[0]]
    return {
        **{f'{entry.__module__}.{entry.__qualname__}': entry for entry in (*types, *functions)},
        **{str(value): value for value in vars(torch).values() if isinstance(value, torch.dtype)},
        # their module has another name in NumPy 2 than in NumPy 1
        **{f'numpy.{c}.multiarray.{f.__name__}': f for f in arrays for c in ('core', '_core')},
        # likewise in Python 3.13
        'pathlib._local.PosixPath': PosixPath,
        'builtins.getattr': _history_method,
    }


def _history_method(owner: type, name: str) -> Callable:
    """Stands in for ``getattr``, limited to the statistics that a log history refers to."""
    if owner is not HistoryBuffer or name not in ('mean', 'max', 'min', 'current'):
        raise DisallowedObjectError(f'attribute {name!r} of {owner!r}')
    return getattr(owner, name)
