"""Reading and writing checkpoint files safely."""

import hashlib
import os
import pickle
import tarfile
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from filelock import FileLock
from mmengine.runner import CheckpointLoader

from vitae_mm.errors import InputError, describe_error
from vitae_mm.io import write_atomically

from .safetensors_file import SUFFIX, is_safetensors, read_safetensors, write_safetensors
from .unpickler import DisallowedObjectError, weights_pickle


def read_checkpoint(path: str | os.PathLike, map_location: Any = 'cpu', trust: bool = False) -> Any:
    """Loads a checkpoint; only tensors and plain containers are unpickled.

    Also allowed are the objects that mmengine's runner saves with the weights
    (log history, dataset metadata), so that training can resume, and the
    parsed arguments that other training programs save. Files with safetensors
    (``.safetensors``) contain weights and metadata only.

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
        found = is_safetensors(path)
        if path.suffix == SUFFIX:
            return read_safetensors(path, map_location)
        if found:
            raise InputError(
                f'checkpoint {path} is a safetensors file with another name: rename it to '
                f'{path.with_suffix(SUFFIX).name}.'
            )
        if not trust and _is_program(path):
            raise DisallowedObjectError('a TorchScript program, or an archive of PyTorch 0.1')
        return torch.load(
            path,
            map_location=map_location,
            pickle_module=pickle if trust else weights_pickle,
            weights_only=False,  # restricted by the module
        )
    except (InputError, MemoryError, torch.cuda.OutOfMemoryError):
        raise
    except PermissionError as error:
        raise InputError(f'checkpoint {path} cannot be read: {error.strerror}.') from error
    except DisallowedObjectError as error:
        raise InputError(
            f'checkpoint {path} contains {error}, which is not read: only weights and plain '
            'containers are, as other objects could run code. If you trust its source, give '
            '--trust.'
        ) from error
    except Exception as error:  # a damaged file can fail in any way
        if trust and isinstance(error, (ImportError, AttributeError, TypeError)):
            raise InputError(
                f'checkpoint {path} needs a package that is not installed here, or not in the '
                f'same version ({error}): install it.'
            ) from error
        if 'pickle_module' in str(error):
            raise InputError(
                'TORCH_FORCE_WEIGHTS_ONLY_LOAD is set: unset it. Checkpoints are read with a '
                'stricter reader.'
            ) from error
        raise InputError(
            f'checkpoint {path} is truncated or not a PyTorch file: download or copy it again. '
            f'({describe_error(error)[:200]})'
        ) from error


def write_checkpoint(checkpoint: Any, path: str | os.PathLike) -> None:
    """Saves a checkpoint atomically.

    Args:
        checkpoint: Content. Only its ``state_dict`` and ``meta`` are written as safetensors.
        path: File to write; its suffix ``.safetensors`` selects that format.

    Raises:
        InputError: If safetensors do not support the type of an entry.
    """
    if Path(path).suffix == SUFFIX:
        write_safetensors(checkpoint['state_dict'], checkpoint['meta'], Path(path))
        return
    write_atomically(path, lambda temporary: torch.save(checkpoint, temporary))


def _local_path(path: str) -> Path:
    """Returns the local file, or the local copy of an http(s) address."""
    if not path.startswith(('http://', 'https://')):
        return Path(path).expanduser()
    name = Path(urlparse(path).path)
    # file names such as epoch_300.pth are not unique
    digest = hashlib.sha256(path.encode()).hexdigest()[:8]
    local = Path(torch.hub.get_dir()) / 'checkpoints' / f'{name.stem}-{digest}{name.suffix}'
    if local.exists():
        return local
    local.parent.mkdir(parents=True, exist_ok=True)
    # of the processes of a machine, the first downloads it
    with FileLock(local.with_name(f'.{local.name}.lock')):
        if not local.exists():
            try:
                torch.hub.download_url_to_file(path, str(local))
            except OSError as error:
                raise InputError(
                    f'checkpoint {path} cannot be downloaded ({error}): download it manually and '
                    'give the file.'
                ) from error
    return local


def _is_program(path: Path) -> bool:
    """Whether ``torch.load`` would hand the file to another reader than the given one."""
    with open(path, 'rb') as file:
        if torch.serialization._is_zipfile(file):
            # not Python's reader, which can see other files in the same archive
            with torch.serialization._open_zipfile_reader(file) as archive:
                return torch.serialization._is_torchscript_zip(archive)
    return tarfile.is_tarfile(path)


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
