"""Loading configs and finding the datasets and transforms in them."""

import argparse
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.hooks import CheckpointHook

from vitae_mm.errors import InputError
from vitae_mm.hub import find_config

from .config_files import find_syntax_error, iter_files
from .old_configs import refuse_old_config, refuse_old_file


def load_config(path: str, overrides: dict | None = None, work_dir: str | None = None) -> Config:
    """Loads a config and applies command-line options to it.

    Args:
        path: Config file, or ``'vitae_mm::'`` and the path of an installed config.
        overrides: Entries to replace, as given by ``--cfg-options``.
        work_dir: Output folder. Defaults to the config's ``work_dir``, or to
            ``work_dirs/<config name>``.

    Raises:
        InputError: If the file does not exist or cannot be loaded, if it has the form of the
            previous OpenMMLab generation, or if an override does not fit an entry.
    """
    path = find_config(str(path))
    if not Path(path).is_file():
        raise InputError(
            f'config {path} does not exist: see configs/ for available ones, or name one of the '
            'package, such as vitae_mm::det/mask_rcnn_vitaev2_s_3x.py.'
        )
    try:
        cfg = Config.fromfile(path)
    except Exception as error:  # a config is a program
        refuse_old_file(Path(path))
        raise InputError(f'config {path} cannot be loaded: {_reason(path, error)}.') from error
    if overrides:
        try:
            cfg.merge_from_dict(overrides)
        except (KeyError, TypeError) as error:
            raise InputError(
                f'{overrides} does not fit the entries of config {path}: {error.args[0]}.'
            ) from error
    refuse_old_config(Path(path), cfg)
    if work_dir:
        cfg.work_dir = work_dir
    elif not cfg.get('work_dir'):
        cfg.work_dir = str(Path('work_dirs') / Path(path).stem)
    # added here, so that configs of other projects get these hooks too
    hooks = {
        'checkpoint_match': dict(type='vitae_mm.CheckpointMatchHook'),
        'sample_check': dict(type='vitae_mm.SampleCheckHook'),
        'finite_loss': dict(type='vitae_mm.FiniteLossHook'),
        'checkpoint': dict(type='CheckpointHook', interval=1),
        **cfg.get('default_hooks', {}),
    }
    checkpoint = hooks['checkpoint']
    if checkpoint and checkpoint.get('type') in ('CheckpointHook', CheckpointHook):
        checkpoint['type'] = 'vitae_mm.WholeCheckpointHook'
    cfg.default_hooks = hooks
    return cfg


def load_test_config(args: argparse.Namespace, folder: str) -> Config:
    """Loads a config for testing a checkpoint.

    Args:
        args: With ``config``, ``checkpoint``, ``cfg_options`` and ``work_dir``.
        folder: Subfolder of the config's work dir for the results; unused if ``args.work_dir`` is
            given.

    Raises:
        InputError: If the config does not exist or has no test data.
    """
    cfg = load_config(args.config, args.cfg_options, args.work_dir)
    if not cfg.get('test_dataloader'):
        raise InputError(
            f'config {args.config} has no test_dataloader: there is nothing to test. '
            'To see what a pretrained model predicts, use tools/demo.py.'
        )
    if not args.work_dir:
        # the runner dumps its config, which must not replace the one used for training
        cfg.work_dir = str(Path(cfg.work_dir) / folder)
    cfg.load_from, cfg.resume = args.checkpoint, False
    return cfg


def strip_test_dataset(cfg: Config) -> None:
    """Removes wrappers and annotation loading from the test dataset, so that its pipeline accepts
    plain images.

    Raises:
        InputError: If the config has no test dataset.
    """
    if not cfg.get('test_dataloader'):
        raise InputError(
            'the config has no test_dataloader, whose pipeline prepares the images: add one.'
        )
    dataset = next(leaf_datasets(cfg.test_dataloader))
    dataset.pipeline = drop_annotation_loading(dataset.pipeline)
    cfg.test_dataloader.dataset = dataset


def iter_dicts(node: object) -> Iterator[ConfigDict]:
    """Yields the node itself if it is a dict, or all dicts in a list, including nested lists."""
    if isinstance(node, Mapping):
        yield node
    elif isinstance(node, (list, tuple)):
        for inner in node:
            yield from iter_dicts(inner)


def walk_datasets(node: object) -> Iterator[ConfigDict]:
    """Yields data loaders, dataset wrappers such as ConcatDataset, and the datasets in them."""
    for entry in iter_dicts(node):
        yield entry
        yield from walk_datasets(_wrapped(entry))


def leaf_datasets(node: object) -> Iterator[ConfigDict]:
    """Yields the datasets in data loaders and wrappers, without the wrappers."""
    return (entry for entry in walk_datasets(node) if _wrapped(entry) is None)


def find_transforms(pipeline: object, name: str) -> Iterator[ConfigDict]:
    """Yields the transforms of a type, including those nested in other transforms."""
    for transform in iter_dicts(pipeline):
        if type_name(transform) == name:
            yield transform
        yield from find_transforms(transform.get('transforms'), name)


def loads_image_files(pipeline: Sequence[Mapping]) -> bool:
    """Whether a pipeline loads images from files; otherwise the dataset provides them."""
    return any(type_name(transform).startswith('LoadImage') for transform in pipeline)


def drop_annotation_loading(pipeline: Sequence[Mapping]) -> list[ConfigDict]:
    """Returns the transforms of a pipeline except those that load annotations."""
    return [transform for transform in pipeline if 'LoadAnnotations' not in str(transform['type'])]


def type_name(entry: Mapping) -> str:
    """Returns the class name of an entry's ``type``: a class, or a name with or without scope."""
    kind = entry.get('type', '')
    return kind.rpartition('.')[2] if isinstance(kind, str) else kind.__name__


def _wrapped(entry: Mapping) -> object:
    """The dataset or datasets in a data loader or wrapper."""
    return entry.get('dataset', entry.get('datasets'))


def _reason(path: str, error: Exception) -> str:
    """Says why a config could not be loaded, with file and line where they are known."""
    files = list(iter_files(Path(path)))
    if isinstance(error, SyntaxError):
        # mmengine compiles a copy, so that the error lacks the file's name
        return next(filter(None, map(find_syntax_error, files)), str(error))
    message = ' '.join(str(error.args[0] if isinstance(error, KeyError) else error).split())
    message = message.partition(', the current sys.path')[0].rstrip('.!')
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename) in files:
            return f'{frame.filename}, line {frame.lineno}: {type(error).__name__}: {message}'
    if isinstance(error, FileNotFoundError):
        missing = f'{error.filename} does not exist' if error.filename else message
        return f'{missing}; correct its _base_'
    if isinstance(error, RecursionError):
        return 'its _base_ files inherit from each other'
    if isinstance(error, KeyError) and ' ' not in message:
        return f'it refers to {message}, which does not exist'
    return message
