"""Checking the folders and files of a dataset."""

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from vitae_mm.errors import InputError

from .source import Source

SAMPLED_IMAGES = 20
"""Number of listed images that are checked for existence."""


def folders(source: Source) -> list[Path]:
    """Returns the folders of a dataset: data_root, then those of data_prefix."""
    prefix = source.options.get('data_prefix') or {}
    parts = list(prefix.values()) if isinstance(prefix, Mapping) else [prefix]
    return [source.root, *(source.root / part for part in parts if part is not None)]


def check_folder(folder: Path, name: str) -> None:
    """Raises InputError if the folder is missing or empty."""
    if not folder.is_dir():
        raise InputError(
            f'{name}: the folder {folder} does not exist: put the data there, or set data_root '
            '(see docs/own_data.md).'
        )
    if next(folder.iterdir(), None) is None:
        raise InputError(
            f'{name}: the folder {folder} is empty: put the data there, or set data_root and '
            'data_prefix.'
        )


def find_file(root: Path, file: object, name: str) -> Path | None:
    """Returns the path of an annotation file; None without one, and for remote storage.

    Raises:
        InputError: If it does not exist.
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
    """Checks that the first images of a list exist.

    Args:
        files: File names of the images.
        places: Folders to look in.
        listing: File with the names, for the message.
        name: Name of the dataset, for the message.

    Raises:
        InputError: If one is missing.
    """
    for file in islice(files, SAMPLED_IMAGES):
        if not any((place / file).is_file() for place in places):
            raise InputError(
                f'{name}: {listing} lists the image {file}, which is not in {places[-1]}: check '
                'data_prefix.'
            )


def files_below(folder: str | os.PathLike) -> Iterator[str]:
    """Yields the normalized paths of all files in a folder, at any depth; follows links, as the
    codebases do."""
    for parent, _, files in os.walk(os.fspath(folder), followlinks=True):
        yield from (os.path.normpath(os.path.join(parent, file)) for file in files)
