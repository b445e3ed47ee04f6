"""Reading and writing weights as safetensors, a format that cannot contain code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vitae_mm.errors import InputError, describe_error
from vitae_mm.io import write_atomically

SUFFIX = '.safetensors'
MAX_HEADER = 100_000_000
"""Bytes that the format allows its header, a JSON object after a number of eight bytes."""


def is_safetensors(path: Path) -> bool:
    """Whether a file begins like one with safetensors, whatever its name."""
    with path.open('rb') as file:
        start = file.read(9)
    return start[8:] == b'{' and int.from_bytes(start[:8], 'little') <= MAX_HEADER


def read_safetensors(path: Path, map_location: Any = 'cpu') -> dict[str, Any]:
    """Reads a file.

    Args:
        path: Local file.
        map_location: Device, as in ``torch.load``; its other forms leave the tensors on the CPU.
            Defaults to 'cpu'.

    Returns:
        The tensors as ``state_dict``, and the file's metadata as ``meta``, with lists and dicts
        as before :func:`write_safetensors`, and strings.

    Raises:
        InputError: If the file is damaged, empty or of another format.
    """
    try:
        with safe_open(path, framework='pt') as file:
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except (SafetensorError, KeyError, ValueError) as error:
        with path.open('rb') as opened:
            start = opened.read(3)
        # a zip file, or the pickle of PyTorch before 1.6
        if start in (b'PK\x03', b'\x80\x02\x8a'):
            raise InputError(
                f'checkpoint {path} is named {SUFFIX}, but is a PyTorch file: rename it to '
                f'{path.with_suffix(".pth").name}.'
            ) from error
        raise InputError(
            f'checkpoint {path} is truncated or not a safetensors file: download or copy it '
            f'again. ({describe_error(error)[:200]})'
        ) from error
    if not state:
        raise InputError(f'checkpoint {path} contains no tensors: give a file with weights.')
    if isinstance(map_location, str | torch.device):
        state = {key: value.to(map_location) for key, value in state.items()}
    return dict(meta={key: _decode(value) for key, value in metadata.items()}, state_dict=state)


def write_safetensors(state_dict: Mapping[str, Tensor], meta: Mapping, path: Path) -> None:
    """Writes a file atomically.

    Args:
        state_dict: Tensors by name. Those that share memory are written one by one.
        meta: Becomes the metadata of the file, which are strings: all other values are written
            as JSON.
        path: File to write.

    Raises:
        InputError: If the format does not support the type of a tensor.
    """
    # copies, as the format has no views of the same memory
    tensors = {
        key: value.detach().clone(memory_format=torch.contiguous_format)
        for key, value in state_dict.items()
    }
    metadata = {**{str(key): _encode(value) for key, value in meta.items()}, 'format': 'pt'}
    try:
        content = save(tensors, metadata)
    except (SafetensorError, KeyError, ValueError) as error:
        types = ', '.join(sorted({str(value.dtype) for value in tensors.values()}))
        raise InputError(
            f'{path} cannot be written ({describe_error(error)}): the entries are of {types}; '
            'write a .pth file instead.'
        ) from error
    # save_file would make a file that only its owner can read
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def _encode(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    """Returns arrays and sets as lists, and other objects as text."""
    if isinstance(value, np.ndarray | np.generic | Tensor):
        return value.tolist()
    return list(value) if isinstance(value, set | frozenset) else str(value)


def _decode(text: str) -> Any:
    if not text.startswith(('{', '[')):
        return text
    try:
        return json.loads(text, object_hook=_with_numbers)
    except (ValueError, RecursionError):
        return text  # of another program


def _with_numbers(entries: dict[str, Any]) -> dict:
    """Restores numbers as keys, of which JSON makes strings: mmpose and mmseg have them."""
    if all(map(str.isdecimal, entries)):
        return {int(key): value for key, value in entries.items()}
    return entries
