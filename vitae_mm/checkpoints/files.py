"""Reading and writing checkpoint files without surprises."""

import hashlib
import os
import pickle
import zipfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path, PosixPath
from typing import Any
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer

from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically


def read_checkpoint(path: str | os.PathLike, map_location: Any = 'cpu', trust: bool = False) -> Any:
    """Loads a checkpoint; only tensors and plain containers are unpickled.

    What mmengine's runner keeps beside the weights (its log history, the
    meta data of a dataset) is allowed too, so that training resumes, and the
    parsed arguments that other training programs keep.

    Args:
        path: A local file, or an http(s) address, which is downloaded once
            into torch's hub folder.
        map_location: As in ``torch.load``.
        trust: Unpickle anything in the file, which can run code hidden in
            it. Defaults to False.

    Raises:
        InputError: If the file is missing, truncated, or holds objects that
            are not allowed.
    """
    path = _local_path(str(path))
    if not path.is_file():
        raise InputError(f'checkpoint {path} does not exist: check the path.')
    try:
        with torch.serialization.safe_globals(_harmless_globals()):
            return torch.load(path, map_location=map_location, weights_only=not trust)
    except torch.OutOfMemoryError:
        raise
    except PermissionError as error:
        raise InputError(f'checkpoint {path} cannot be read: {error.strerror}.') from error
    except (ImportError, AttributeError, TypeError) as error:
        # only a trusted file gets as far
        raise InputError(
            f'checkpoint {path} holds objects of a program that is not installed '
            f'here, or not in the same version ({error}): install it.'
        ) from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, OSError) as error:
        # torch's own text advises to turn the protection off: only its reason is kept
        reason = (
            next(
                (line for line in str(error).splitlines() if 'nsupported' in line),
                type(error).__name__,
            )
            .split(' Please')[0]
            .strip()
        )
        refused = isinstance(error, pickle.UnpicklingError) and (
            zipfile.is_zipfile(path) or 'GLOBAL' in reason
        )
        if refused:
            raise InputError(
                f'checkpoint {path} holds objects other than weights, which could run code when '
                f'loaded. If you trust its source, give --trust. ({reason})'
            ) from error
        raise InputError(
            f'checkpoint {path} is truncated or not a PyTorch file: download or '
            f'copy it again. ({reason})'
        ) from error


def write_checkpoint(checkpoint: Any, path: str | os.PathLike) -> None:
    """Saves whole or not at all."""
    write_atomically(path, lambda temporary: torch.save(checkpoint, temporary))


def _local_path(path: str) -> Path:
    """The file itself, or where an http(s) address is kept once downloaded."""
    if not path.startswith(('http://', 'https://')):
        return Path(path).expanduser()
    name = Path(urlparse(path).path)
    # many are called epoch_300.pth
    mark = hashlib.sha256(path.encode()).hexdigest()[:8]
    kept = Path(torch.hub.get_dir()) / 'checkpoints' / f'{name.stem}-{mark}{name.suffix}'
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(path, str(kept))
        except OSError as error:
            raise InputError(
                f'checkpoint {path} cannot be downloaded ({error}): download it by '
                'hand and give the file.'
            ) from error
    return kept


def _harmless_globals() -> list:
    """Harmless types that training programs pickle beside the weights."""
    dtypes = [type(np.dtype(kind)) for kind in np.typecodes['All']]
    reconstruct, scalar = np.array(0).__reduce__()[0], np.float64(0).__reduce__()[0]
    # NumPy 1 and 2 keep them in modules of different names
    moved = [
        (function, f'numpy.{core}.multiarray.{function.__name__}')
        for core in ('core', '_core')
        for function in (reconstruct, scalar)
    ]
    return [
        bytes,
        HistoryBuffer,
        (_history_method, 'builtins.getattr'),
        ConfigDict,
        Namespace,
        PosixPath,
        np.ndarray,
        np.dtype,
        *dtypes,
        *moved,
    ]


def _history_method(owner: type, name: str) -> Callable:
    """Stands in for ``getattr``, with which a log history names its own
    statistics; nothing else may be reached through it."""
    if owner is not HistoryBuffer or name not in ('mean', 'max', 'min', 'current'):
        raise pickle.UnpicklingError(f'Unsupported GLOBAL: attribute {name!r} of {owner!r}')
    return getattr(owner, name)
