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
from mmengine.fileio import list_from_file
from mmengine.registry import DATASETS, Registry

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
    def folders(self) -> list[Path]:
        """data_root, then the folders of data_prefix."""
        prefix = self.options.get('data_prefix') or {}
        parts = list(prefix.values()) if isinstance(prefix, Mapping) else [prefix]
        return [self.root, *(self.root / part for part in parts if part is not None)]

    def file(self) -> Path | None:
        """Returns the path of the annotation file; None without one, and for remote storage.

        Raises:
            InputError: If it does not exist.
        """
        return find_file(self.root, self.options.get('ann_file'), self.name)

    def outline(self) -> Any:
        """Builds the dataset without loading annotations and without its pipeline.

        Raises:
            InputError: If its options are invalid.
        """
        options = {**copy.deepcopy(dict(self.options)), 'pipeline': [], 'lazy_init': True}
        try:
            with DATASETS.switch_scope_and_registry(self.scope) as registry:
                return registry.build(options)
        except REJECTIONS as error:
            raise InputError(f'{self.name} rejects its options: {error}') from error


def sources(cfg: Config, split: str) -> Iterator[Source]:
    """Yields the datasets of a split that are not on remote storage.

    Raises:
        InputError: For a type that is not registered.
    """
    scope = cfg.get('default_scope')
    for entry in leaf_datasets(cfg.get(f'{split}_dataloader')):
        if '://' in str(entry.get('data_root')):
            continue
        kind = find_class(DATASETS, entry['type'], scope)
        if kind is None:
            raise InputError(
                f'dataset type {entry["type"]!r} is not registered in {scope}: check its spelling '
                'and default_scope.'
            )
        yield Source(entry, kind, split=split, scope=scope)


def find_class(registry: Registry, kind: Any, scope: str | None) -> type | None:
    """Returns the class of a config entry's ``type``; None if it is not registered."""
    if not isinstance(kind, str):
        return kind
    with registry.switch_scope_and_registry(scope) as scoped:
        return scoped.get(kind)


def inherits(kind: type | None, base: str, *methods: str) -> bool:
    """Whether a class is another, such as 'mmdet.datasets.CocoDataset', or a subclass of it that
    does not override these methods."""
    module, _, name = base.rpartition('.')
    parent = getattr(sys.modules.get(module), name, None)  # other tasks work without its package
    return (
        kind is not None
        and parent is not None
        and issubclass(kind, parent)
        and all(getattr(kind, method) is getattr(parent, method) for method in methods)
    )


def class_names(source: Source) -> tuple[str, ...]:
    """Returns the class names in the config or of the type of a dataset; () if there are none.

    Raises:
        InputError: If ``classes`` is a string, but not a file.
    """
    preset = getattr(source.kind, 'METAINFO', None) or {}
    if 'thing_classes' in preset:
        return ()  # panoptic datasets: heads predict things, or things and stuff
    given = (source.options.get('metainfo') or {}).get('classes', source.options.get('classes'))
    classes = preset.get('classes') if given is None else given
    if isinstance(classes, str):
        if Path(classes).is_file():
            return tuple(list_from_file(classes))
        raise InputError(
            f'classes={classes!r} is neither a file nor a tuple: for a single class give '
            f'({classes!r}, ) with a comma.'
        )
    return tuple(classes or ())


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
    """Raises InputError if one of the first images that a file lists is in none of some folders."""
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
