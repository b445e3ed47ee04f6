"""The datasets of a config, their folders and their files."""

import copy
import inspect
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from vitae_mm.engine.config import leaf_datasets
from vitae_mm.errors import InputError

REJECTIONS = (ValueError, TypeError, KeyError, AssertionError, FileNotFoundError)
"""Exceptions that datasets raise for invalid options."""

SAMPLED_IMAGES = 20
"""Number of listed images that are checked for existence."""


@dataclass(frozen=True)
class Source:
    """A dataset of a config, without wrappers.

    Attributes:
        options: Its entry in the config.
        kind: Its class.
        split: 'train', 'val' or 'test'.
        scope: ``default_scope`` of the config.
    """

    options: ConfigDict
    kind: type
    split: str
    scope: str | None

    @property
    def name(self) -> str:
        """Name for messages."""
        return f'{self.split}_dataloader ({self.kind.__name__})'

    @property
    def root(self) -> Path:
        return Path(self.options.get('data_root') or '')

    @property
    def downloads(self) -> bool:
        """Whether the dataset can download its data."""
        return 'download' in inspect.signature(self.kind).parameters

    @property
    def given_classes(self) -> Any:
        """Classes in the config, if any."""
        return (self.options.get('metainfo') or {}).get('classes', self.options.get('classes'))

    @property
    def folders(self) -> list[Path]:
        """data_root, then the folders of data_prefix."""
        prefix = self.options.get('data_prefix') or {}
        parts = list(prefix.values()) if isinstance(prefix, Mapping) else [prefix]
        return [self.root, *(self.root / part for part in parts if part is not None)]

    def reads_as(self, path: str, *methods: str) -> bool:
        """Whether the dataset is a class, such as 'mmdet.datasets.CocoDataset', or a subclass that
        does not override these methods."""
        base = loaded_class(path)
        return (
            base is not None
            and issubclass(self.kind, base)
            and all(getattr(self.kind, method) is getattr(base, method) for method in methods)
        )

    def outline(self) -> Any:
        """Builds the dataset without loading annotations and without its pipeline.

        Raises:
            InputError: If its options are invalid.
        """
        options = {**copy.deepcopy(dict(self.options)), 'pipeline': [], 'lazy_init': True}
        try:
            with DATASETS.switch_scope_and_registry(self.scope) as registry:
                dataset: BaseDataset = registry.build(options)
        except REJECTIONS as error:
            raise InputError(f'{self.name} rejects its options: {error}') from error
        return dataset


def sources(cfg: Config, split: str) -> Iterator[Source]:
    """Yields the datasets of a split that are not on remote storage.

    Raises:
        InputError: For a type that is not registered.
    """
    for entry in leaf_datasets(cfg.get(f'{split}_dataloader')):
        if '://' not in str(entry.get('data_root')):
            scope = cfg.get('default_scope')
            yield Source(entry, _dataset_class(entry, scope), split=split, scope=scope)


def loaded_class(path: str) -> type | None:
    """Returns a class by its path; None if its package is not in use."""
    module, _, name = path.rpartition('.')
    return getattr(sys.modules.get(module), name, None)


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


def _dataset_class(entry: Mapping, scope: str | None) -> type:
    kind = entry['type']
    if isinstance(kind, str):
        with DATASETS.switch_scope_and_registry(scope) as registry:
            kind = registry.get(kind)
    if kind is None:
        raise InputError(
            f'dataset type {entry["type"]!r} is not registered in {scope}: check its spelling and '
            'default_scope.'
        )
    return kind
