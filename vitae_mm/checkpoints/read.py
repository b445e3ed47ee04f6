"""Reading and writing checkpoint files safely."""

import hashlib
import os
import pickle
import zipfile
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path, PosixPath
from typing import Any
from urllib.parse import urlparse

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader

from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically


def read_checkpoint(path: str | os.PathLike, map_location: Any = 'cpu', trust: bool = False) -> Any:
    """Loads a checkpoint; only tensors and plain containers are unpickled.

    Also allowed are the objects that mmengine's runner saves with the weights
    (log history, dataset metadata), so that training can resume, and the
    parsed arguments that other training programs save.

    Args:
        path: Local file, or http(s) address, which is downloaded once into
            torch's hub folder.
        map_location: As in ``torch.load``. Defaults to 'cpu'.
        trust: Unpickle any object in the file, which can run malicious code.
            Defaults to False.

    Raises:
        InputError: If the file is missing, truncated, or contains objects
            that are not allowed.
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
        # only trusted files get here
        raise InputError(
            f'checkpoint {path} needs a package that is not installed here, or not in the same '
            f'version ({error}): install it.'
        ) from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, OSError) as error:
        # torch's message recommends disabling the protection: keep only its reason
        reasons = [line for line in str(error).splitlines() if 'nsupported' in line]
        reason = reasons[0].split(' Please')[0].strip() if reasons else type(error).__name__
        if isinstance(error, pickle.UnpicklingError) and (
            zipfile.is_zipfile(path) or 'GLOBAL' in reason
        ):
            raise InputError(
                f'checkpoint {path} contains objects other than weights, which could run code when '
                f'loaded. If you trust its source, give --trust. ({reason})'
            ) from error
        raise InputError(
            f'checkpoint {path} is truncated or not a PyTorch file: download or copy it again. '
            f'({reason})'
        ) from error


def write_checkpoint(checkpoint: Any, path: str | os.PathLike) -> None:
    """Saves a checkpoint atomically."""
    write_atomically(path, lambda temporary: torch.save(checkpoint, temporary))


def _local_path(path: str) -> Path:
    """Returns the local file, or the local copy of an http(s) address."""
    if not path.startswith(('http://', 'https://')):
        return Path(path).expanduser()
    name = Path(urlparse(path).path)
    # file names such as epoch_300.pth are not unique
    digest = hashlib.sha256(path.encode()).hexdigest()[:8]
    local = Path(torch.hub.get_dir()) / 'checkpoints' / f'{name.stem}-{digest}{name.suffix}'
    if not local.exists():
        local.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(path, str(local))
        except OSError as error:
            raise InputError(
                f'checkpoint {path} cannot be downloaded ({error}): download it manually and give '
                'the file.'
            ) from error
    return local


def _harmless_globals() -> list:
    """Returns the harmless types that training programs pickle with the weights."""
    dtypes = [type(np.dtype(kind)) for kind in np.typecodes['All']]
    functions: list[Any] = [np.array(0).__reduce__()[0], np.float64(0).__reduce__()[0]]
    # the module names differ between NumPy 1 and 2
    moved = [
        (function, f'numpy.{core}.multiarray.{function.__name__}')
        for core in ('core', '_core')
        for function in functions
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
    """Stands in for ``getattr``, limited to the statistics that a log history refers to."""
    if owner is not HistoryBuffer or name not in ('mean', 'max', 'min', 'current'):
        raise pickle.UnpicklingError(f'Unsupported GLOBAL: attribute {name!r} of {owner!r}')
    return getattr(owner, name)


def use_safe_reader(trust: bool = False) -> None:
    """Makes mmengine read checkpoints with :func:`read_checkpoint`.

    mmengine's own reader unpickles any object if a file contains more than weights.

    Args:
        trust: As in :func:`read_checkpoint`. Defaults to False.
    """
    reader = partial(read_checkpoint, trust=trust)
    # mmengine logs the name of a loader from its eleventh letter on
    reader.__name__ = 'load_from_safe_reader'  # type: ignore[attr-defined]
    CheckpointLoader.register_scheme(('', 'http://', 'https://'), loader=reader, force=True)
