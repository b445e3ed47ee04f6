"""Folders and files that a dataset names."""

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from vitae_mm.errors import InputError

from .source import Source

SAMPLED_IMAGES = 20
"""How many of the listed images are looked for."""


def folders(source: Source) -> list[Path]:
    """Those that the config names: data_root, then the prefixes."""
    prefix = source.options.get('data_prefix') or {}
    parts = list(prefix.values()) if isinstance(prefix, Mapping) else [prefix]
    return [source.root, *(source.root / part for part in parts if part is not None)]


def check_folder(folder: Path, name: str) -> None:
    """Raises InputError if there is no such folder, or nothing in it."""
    if not folder.is_dir():
        raise InputError(
            f'{name}: the folder {folder} does not exist: put the data there, or '
            'set data_root (see docs/own_data.md).'
        )
    if next(folder.iterdir(), None) is None:
        raise InputError(
            f'{name}: the folder {folder} is empty: put the data there, or set '
            'data_root and data_prefix.'
        )


def find_file(root: Path, file: object, name: str) -> Path | None:
    """The annotation file, if one is named and it is not on remote storage.

    Raises:
        InputError: If it is not there.
    """
    if not file or not isinstance(file, str) or '://' in file:
        return None
    path = root / file
    if not path.is_file():
        raise InputError(
            f'{name}: the annotation file {path} does not exist: check data_root and ann_file.'
        )
    return path


def check_images(files: Iterable[str], places: list[Path], listing: object, name: str) -> None:
    """Looks for the first images of a list.

    Args:
        files: Their names.
        places: Folders that they may be in.
        listing: Where the names come from, for the error.
        name: The dataset, for the error.

    Raises:
        InputError: Naming one that is not there.
    """
    for file in islice(files, SAMPLED_IMAGES):
        if not any((place / file).is_file() for place in places):
            raise InputError(
                f'{name}: {listing} names the image {file}, which is not in '
                f'{places[-1]}: check data_prefix.'
            )


def files_below(folder: str | os.PathLike) -> Iterator[str]:
    """Paths of all files in a folder and those below it, normalised; links are
    followed, as the codebases do."""
    for parent, _, files in os.walk(folder, followlinks=True):
        yield from (os.path.normpath(os.path.join(parent, file)) for file in files)
