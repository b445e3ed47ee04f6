"""Reading and writing checkpoint files without surprises."""
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from vitae_mm.errors import InputError


def read_checkpoint(path: str | os.PathLike, map_location: Any = 'cpu',
                    trust: bool = False) -> Any:
    """Loads a checkpoint; only tensors and plain containers are unpickled.

    What mmengine's runner keeps beside the weights (its log history) is
    allowed too, so that training resumes.

    Args:
        path: A local file.
        map_location: As in ``torch.load``.
        trust: Unpickle anything in the file, which can run code hidden in
            it. Defaults to False.

    Raises:
        InputError: If the file is missing, truncated, or holds objects that
            are not allowed.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f'checkpoint {path} does not exist: check the path.')
    try:
        with torch.serialization.safe_globals(_runner_globals()):
            return torch.load(path, map_location=map_location, weights_only=not trust)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, KeyError,
            ValueError) as error:
        # torch's own text advises to turn the protection off: only its reason is kept
        reason = next((line for line in str(error).splitlines() if 'nsupported' in line),
                      str(error).split('\n', 1)[0] or type(error).__name__)
        reason = reason.split(' Please')[0].strip()
        if 'GLOBAL' in reason or 'class' in reason:
            raise InputError(
                f'checkpoint {path} holds objects other than weights, which could run code when '
                'loaded. If you trust its source, rewrite it with tools/convert_checkpoint.py '
                f'--trust. ({reason})') from error
        raise InputError(f'checkpoint {path} is truncated or not a PyTorch file: download or '
                         f'copy it again. ({reason})') from error


def write_checkpoint(checkpoint: Any, path: str | os.PathLike) -> None:
    """Saves whole or not at all: written beside ``path``, then renamed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix='.tmp')
    try:
        with os.fdopen(handle, 'wb') as file:
            torch.save(checkpoint, file)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _runner_globals() -> list:
    """Harmless types that mmengine's runner pickles beside the weights."""
    dtypes = [type(np.dtype(kind)) for kind in ('f4', 'f8', 'i4', 'i8', 'b1')]
    return [
        HistoryBuffer, (_history_method, 'builtins.getattr'), np.ndarray, np.dtype, *dtypes,
        np.array(0).__reduce__()[0], np.float64(0).__reduce__()[0]
    ]


def _history_method(owner: type, name: str) -> Callable:
    """Stands in for ``getattr``, with which a log history names its own
    statistics; nothing else may be reached through it."""
    if owner is not HistoryBuffer or name not in ('mean', 'max', 'min', 'current'):
        raise pickle.UnpicklingError(f'Unsupported GLOBAL: attribute {name!r} of {owner!r}')
    return getattr(owner, name)
