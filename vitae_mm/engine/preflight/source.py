"""The datasets of a config, as the checks see them."""

import copy
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from vitae_mm.engine.config import innermost
from vitae_mm.errors import InputError

REJECTIONS = (ValueError, TypeError, KeyError, AssertionError, FileNotFoundError)
"""What a dataset raises for options that it does not take."""


@dataclass(frozen=True)
class Source:
    """A dataset of a config, inside of all wrappers.

    Attributes:
        options: Its entry of the config.
        kind: Its class.
        split: 'train', 'val' or 'test'.
        scope: The codebase of the config.
    """

    options: Mapping
    kind: type
    split: str
    scope: str | None

    @property
    def name(self) -> str:
        """How errors call it."""
        return f'{self.split}_dataloader ({self.kind.__name__})'

    @property
    def root(self) -> Path:
        return Path(self.options.get('data_root') or '')

    @property
    def downloads(self) -> bool:
        """Whether it brings its own data."""
        return 'download' in inspect.signature(self.kind).parameters

    @property
    def given_classes(self) -> object:
        """The classes that the config names; None for none."""
        return (self.options.get('metainfo') or {}).get('classes', self.options.get('classes'))

    def has_method(self, *names: str) -> bool:
        """Whether it has these methods, such as 'CocoDataset.load_data_list',
        and none of its own in their place."""
        return all(
            getattr(getattr(self.kind, name.rpartition('.')[2], None), '__qualname__', '') == name
            for name in names
        )

    def outline(self) -> BaseDataset:
        """The dataset with all its defaults, but without annotations and
        pipeline.

        Raises:
            InputError: If it does not take its options.
        """
        options = {**copy.deepcopy(dict(self.options)), 'pipeline': [], 'lazy_init': True}
        try:
            with DATASETS.switch_scope_and_registry(self.scope) as registry:
                return registry.build(options)
        except REJECTIONS as error:
            raise InputError(f'{self.name} does not take its options: {error}') from error


def sources(cfg: Config, split: str) -> Iterator[Source]:
    """The datasets of a split; those on remote storage are left out.

    Raises:
        InputError: For a type that is not registered.
    """
    for entry in innermost(cfg.get(f'{split}_dataloader')):
        if '://' not in str(entry.get('data_root')):
            scope = cfg.get('default_scope')
            yield Source(entry, _dataset_class(entry, scope), split, scope)


def _dataset_class(entry: Mapping, scope: str | None) -> type:
    kind = entry['type']
    if isinstance(kind, str):
        with DATASETS.switch_scope_and_registry(scope) as registry:
            kind = registry.get(kind)
    if kind is None:
        raise InputError(
            f'dataset type {entry["type"]!r} is not registered in {scope}: check '
            'its spelling and default_scope.'
        )
    return kind
