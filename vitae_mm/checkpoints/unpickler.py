"""Unpickling checkpoints without running code in them.

``torch.load(weights_only=True)`` cannot be used: before PyTorch 2.5 it accepts no further types,
and so none of what mmengine saves with the weights.
"""

import codecs
import pickle
import re
from argparse import Namespace
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from pathlib import PosixPath
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from torch import Tensor, _utils, nn
from torch.storage import TypedStorage

UNPICKLER: Any = pickle._Unpickler
"""The unpickler in Python: the one in C does not let a subclass restrict its operations."""


class DisallowedObjectError(pickle.UnpicklingError):
    """A file contains an object that could run code."""


def rebuild_tensor(storage: object, offset: int, size: tuple, stride: tuple, *_: object) -> Tensor:
    """Makes a strided tensor; hooks and other attributes are not restored."""
    if not isinstance(storage, TypedStorage):
        raise DisallowedObjectError(f'a tensor over a {type(storage).__name__}')
    return _utils._rebuild_tensor(storage, offset, size, stride)


def rebuild_tensor_v2(
    storage: object, offset: int, size: tuple, stride: tuple, requires_grad: bool, *_: object
) -> Tensor:
    return rebuild_tensor(storage, offset, size, stride).requires_grad_(requires_grad)


def rebuild_parameter(data: Tensor, requires_grad: bool, *_: object) -> nn.Parameter:
    return nn.Parameter(data, requires_grad)


def rebuild_from_type(function: Callable, kind: type, args: tuple, state: object) -> Tensor:
    """Makes a tensor that had attributes, without them."""
    if function not in (rebuild_tensor, rebuild_tensor_v2, rebuild_parameter):
        raise DisallowedObjectError(f'a tensor made by {function!r}')
    if kind not in (Tensor, nn.Parameter):
        raise DisallowedObjectError(f'a tensor of type {kind!r}')
    return function(*args)


def rebuild_dtype(kind: str, *_: object) -> np.dtype:
    """Makes a NumPy dtype of numbers or text; others can contain addresses."""
    if not re.fullmatch(r'[biufcSU]\d+', kind):
        raise DisallowedObjectError(f'an array of dtype {kind!r}')
    return np.dtype(kind)


def rebuild_array(*_: object) -> np.ndarray:
    """Makes an empty array, which gets its content from the state after it."""
    return np.empty(0, 'u1')


def rebuild_scalar(dtype: np.dtype, content: bytes) -> np.generic:
    return np.frombuffer(content, dtype, count=1)[0]


def history_method(owner: type, name: str) -> Callable:
    """Stands in for ``getattr``, limited to the statistics that a log history refers to."""
    if owner is not HistoryBuffer or name not in ('mean', 'max', 'min', 'current'):
        raise DisallowedObjectError(f'attribute {name!r} of {owner!r}')
    return getattr(owner, name)


def _named(entries: Sequence[Any]) -> dict[str, Any]:
    return {f'{entry.__module__}.{entry.__qualname__}': entry for entry in entries}


CALLED: dict[str, Callable] = {
    **_named([OrderedDict, Counter, set, bytes, bytearray, complex, codecs.encode]),
    **_named([torch.Size, torch.device, ConfigDict, PosixPath]),
    'torch._utils._rebuild_tensor': rebuild_tensor,
    'torch._utils._rebuild_tensor_v2': rebuild_tensor_v2,
    'torch._utils._rebuild_parameter': rebuild_parameter,
    'torch._utils._rebuild_parameter_with_state': rebuild_parameter,
    'torch._tensor._rebuild_from_type_v2': rebuild_from_type,
    'numpy.dtype': rebuild_dtype,
    # the module has another name in NumPy 2 than in NumPy 1
    **{f'numpy.{core}.multiarray._reconstruct': rebuild_array for core in ('core', '_core')},
    **{f'numpy.{core}.multiarray.scalar': rebuild_scalar for core in ('core', '_core')},
    # likewise in Python 3.13
    'pathlib._local.PosixPath': PosixPath,
    'builtins.getattr': history_method,
}
"""What a file may call, by the names in it: harmless with any arguments."""

CREATED = (HistoryBuffer, Namespace, ConfigDict)
"""Types of which a file may create objects without arguments."""

NAMED: dict[str, Any] = {
    **CALLED,
    **_named(CREATED),
    # only arguments of the functions above
    **_named([Tensor, nn.Parameter, torch.UntypedStorage, np.ndarray]),
    **{str(value): value for value in vars(torch).values() if isinstance(value, torch.dtype)},
}
"""What a file may refer to. The types of storages are known to ``torch.load`` itself."""


class WeightsUnpickler(UNPICKLER):
    """Reads tensors, plain containers, and what training programs save with the weights.

    Raises:
        DisallowedObjectError: For anything else.
    """

    stack: list[Any]
    metastack: list[list[Any]]

    def find_class(self, module: str, name: str) -> Any:
        # torch.save writes the names of Python 2
        module = 'builtins' if module == '__builtin__' else module
        try:
            return NAMED[f'{module}.{name}']
        except KeyError:
            raise DisallowedObjectError(f'{module}.{name}') from None

    def load_reduce(self) -> None:
        function = self.stack[-2]
        if not any(function is allowed for allowed in CALLED.values()):
            raise DisallowedObjectError(f'a call of {function!r}')
        UNPICKLER.load_reduce(self)

    def load_newobj(self) -> None:
        kind, args = self.stack[-2:]
        if not any(kind is allowed for allowed in CREATED) or args != ():
            raise DisallowedObjectError(f'a new {kind!r}')
        UNPICKLER.load_newobj(self)

    def load_build(self) -> None:
        target, state = self.stack[-2:]
        kind = type(target)
        if isinstance(target, np.dtype):
            # the kind says all but the byte order
            if state[1] not in '<|=' or any(state[2:5]):
                raise DisallowedObjectError(f'a dtype with state {state}')
            self.stack.pop()
            return
        if kind is np.ndarray:
            _, _, dtype, _, content = state
            allowed = isinstance(dtype, np.dtype) and type(content) is bytes
        else:
            allowed = kind in (OrderedDict, *CREATED) and type(state) is dict
        if not allowed:
            raise DisallowedObjectError(f'a modification of {kind.__name__} {target!r}')
        UNPICKLER.load_build(self)

    def load_appends(self) -> None:
        _check_container(self.metastack[-1][-1])
        UNPICKLER.load_appends(self)

    def load_setitems(self) -> None:
        _check_container(self.metastack[-1][-1])
        UNPICKLER.load_setitems(self)

    def load_additems(self) -> None:
        _check_container(self.metastack[-1][-1])
        UNPICKLER.load_additems(self)

    def load_append(self) -> None:
        _check_container(self.stack[-2])
        UNPICKLER.load_append(self)

    def load_setitem(self) -> None:
        _check_container(self.stack[-3])
        UNPICKLER.load_setitem(self)

    def refuse(self) -> None:
        """Refuses operations that no checkpoint needs."""
        raise DisallowedObjectError('an unusual way to make an object')

    dispatch: ClassVar = {
        **UNPICKLER.dispatch,
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_newobj,
        pickle.BUILD[0]: load_build,
        pickle.APPEND[0]: load_append,
        pickle.APPENDS[0]: load_appends,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
        pickle.ADDITEMS[0]: load_additems,
        **dict.fromkeys(pickle.NEWOBJ_EX + pickle.OBJ + pickle.INST, refuse),
        **dict.fromkeys(pickle.EXT1 + pickle.EXT2 + pickle.EXT4, refuse),
    }


def _check_container(target: object) -> None:
    """Refuses to add to anything else, whose methods of the same names could be others."""
    if type(target) not in (list, set, dict, OrderedDict, ConfigDict, Counter):
        raise DisallowedObjectError(f'content of a {type(target).__name__}')


weights_pickle = SimpleNamespace(
    __name__='weights_pickle',
    Unpickler=WeightsUnpickler,
    load=lambda file, **options: WeightsUnpickler(file, **options).load(),
)
"""The ``pickle_module`` of ``torch.load``."""
