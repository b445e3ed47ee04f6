"""The datasets of a config, as seen by the checks."""

import copy
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from vitae_mm.engine.config import leaf_datasets
from vitae_mm.errors import InputError

REJECTIONS = (ValueError, TypeError, KeyError, AssertionError, FileNotFoundError)
"""Exceptions that datasets raise for invalid options."""


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

    def has_method(self, *names: str) -> bool:
        """Whether the dataset has these methods, such as 'CocoDataset.load_data_list', and does
        not override them."""
        return all(
            getattr(getattr(self.kind, name.rpartition('.')[2], None), '__qualname__', '') == name
            for name in names
        )

    def outline(self) -> BaseDataset:
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
    for entry in leaf_datasets(cfg.get(f'{split}_dataloader')):
        if '://' not in str(entry.get('data_root')):
            scope = cfg.get('default_scope')
            yield Source(entry, _dataset_class(entry, scope), split=split, scope=scope)


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
