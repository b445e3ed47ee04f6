"""Loading configs, and finding datasets and transforms in them."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE
from mmengine.hooks import CheckpointHook
from mmengine.utils import is_installed

from vitae_mm.errors import InputError


def load_config(path: str, overrides: dict | None = None, work_dir: str | None = None) -> Config:
    """Reads a config and applies what the command line says.

    Args:
        path: Config file.
        overrides: Of ``--cfg-options``.
        work_dir: Where results go. Defaults to the config's own, else
            ``work_dirs/<name of the config>``.

    Raises:
        InputError: If there is no such config.
    """
    if not Path(path).is_file():
        raise InputError(f'config {path} does not exist: see configs/ for those that do.')
    find_mmseg_bases()
    cfg = Config.fromfile(path)
    if overrides:
        cfg.merge_from_dict(overrides)
    if work_dir:
        cfg.work_dir = work_dir
    elif not cfg.get('work_dir'):
        cfg.work_dir = str(Path('work_dirs') / Path(path).stem)
    # configs of other projects get these too
    hooks = {
        'checkpoint_match': dict(type='vitae_mm.CheckpointMatchHook'),
        'sample_check': dict(type='vitae_mm.SampleCheckHook'),
        'checkpoint': dict(type='CheckpointHook', interval=1),
        **cfg.get('default_hooks', {}),
    }
    if hooks['checkpoint'] and hooks['checkpoint'].get('type') in (
        'CheckpointHook',
        CheckpointHook,
    ):
        hooks['checkpoint']['type'] = 'vitae_mm.WholeCheckpointHook'
    cfg.default_hooks = hooks
    return cfg


def load_test_config(args: argparse.Namespace, folder: str) -> Config:
    """Reads a config to test a checkpoint with.

    Args:
        args: Its config, checkpoint, cfg_options and work_dir are read.
        folder: Where results go, in the work dir of the training; unless
            ``work_dir`` is given.

    Raises:
        InputError: If there is no such config, or it tests nothing.
    """
    cfg = load_config(args.config, args.cfg_options, args.work_dir)
    if not cfg.get('test_dataloader'):
        raise InputError(
            f'config {args.config} has no test_dataloader: there is nothing to test. '
            'What a pretraining learned, tools/demo.py draws.'
        )
    if not args.work_dir:
        # the runner writes the config it was given: not over the training run's
        cfg.work_dir = str(Path(cfg.work_dir) / folder)
    cfg.load_from, cfg.resume = args.checkpoint, False
    return cfg


def find_mmseg_bases() -> None:
    """Lets ``_base_ = 'mmseg::...'`` resolve where mmseg comes as the
    distribution onedl-mmsegmentation: mmengine looks for one called
    mmsegmentation, and takes a module's name as well."""
    if not is_installed(MODULE2PACKAGE['mmseg']):
        MODULE2PACKAGE['mmseg'] = 'mmseg'


def entries(node: object) -> Iterator[Mapping]:
    """Data loaders, lists of them, wrappers such as RepeatDataset and
    ConcatDataset, and the datasets inside."""
    for entry in dicts(node):
        yield entry
        yield from entries(_inner(entry))


def innermost(node: object) -> Iterator[Mapping]:
    """Those of :func:`entries` that wrap no other: the datasets themselves."""
    return (entry for entry in entries(node) if _inner(entry) is None)


def dicts(node: object) -> Iterator[Mapping]:
    """A dict, or those of a list."""
    if isinstance(node, Mapping):
        yield node
    elif isinstance(node, (list, tuple)):
        for inner in node:
            yield from dicts(inner)


def steps(pipeline: object, kind: str) -> Iterator[Mapping]:
    """The transforms of a type, also those inside of others."""
    for step in dicts(pipeline):
        if type_name(step) == kind:
            yield step
        yield from steps(step.get('transforms'), kind)


def reads_files(pipeline: Sequence[Mapping]) -> bool:
    """Whether a pipeline begins with files; else the dataset gives images."""
    return any(type_name(step).startswith('LoadImage') for step in pipeline)


def without_annotations(pipeline: Sequence[Mapping]) -> list[Mapping]:
    """The transforms of a pipeline but for those that load annotations."""
    return [step for step in pipeline if 'LoadAnnotations' not in str(step['type'])]


def type_name(entry: Mapping) -> str:
    """Name of a class, given as it is or as text, with or without scope."""
    kind = entry.get('type', '')
    return kind.rpartition('.')[2] if isinstance(kind, str) else kind.__name__


def _inner(entry: Mapping) -> object:
    """The dataset, or several, in a data loader or a wrapper."""
    return entry.get('dataset', entry.get('datasets'))
