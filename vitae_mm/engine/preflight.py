"""Checks made before anything is built or trained: in seconds, by name."""
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import DATASETS

from vitae_mm.errors import InputError


def check_data(cfg: Config, splits: tuple[str, ...]) -> None:
    """Checks the datasets of a config, and the heads against them.

    Args:
        cfg: Of any of the codebases.
        splits: Which of 'train', 'val' and 'test' will be read.

    Raises:
        InputError: For a folder that is missing or empty, an annotation file
            that is missing or not JSON, classes that the annotations do not
            have, and heads with another number of classes.
    """
    for split in splits:
        loader = cfg.get(f'{split}_dataloader')
        for dataset in _datasets((loader or {}).get('dataset')):
            name = f'{split}_dataloader ({dataset.get("type")})'
            _check_folders(dataset, name)
            annotations = _read_annotations(dataset, name)
            classes = _classes(dataset, cfg.get('default_scope'))
            if classes:
                _check_categories(annotations, classes, name)
                _check_heads(cfg.model, classes, name)


def check_work_dir(work_dir: str, resume: bool, overwrite: bool) -> None:
    """Refuses to train over the checkpoints of another run.

    Raises:
        InputError: If the folder holds a run and neither is asked for.
    """
    mark = Path(work_dir) / 'last_checkpoint'
    if mark.exists() and not (resume or overwrite):
        raise InputError(f'{work_dir} already holds a run: continue it with --resume, choose '
                         'another --work-dir, or give --overwrite to replace it.')


def _datasets(cfg: Mapping | None) -> Iterator[Mapping]:
    """The datasets inside wrappers such as RepeatDataset and ConcatDataset."""
    if not cfg:
        return
    if 'dataset' in cfg:
        yield from _datasets(cfg['dataset'])
    elif 'datasets' in cfg:
        for inner in cfg['datasets']:
            yield from _datasets(inner)
    else:
        yield cfg


def _check_folders(dataset: Mapping, name: str) -> None:
    root = Path(dataset.get('data_root') or '')
    prefix = dataset.get('data_prefix') or {}
    folders = list(prefix.values()) if isinstance(prefix, Mapping) else [prefix]
    for folder in [root, *(root / folder for folder in folders if folder is not None)]:
        if not folder.is_dir():
            raise InputError(f'{name}: the folder {folder} does not exist: put the data there, or '
                             'set data_root (see docs/own_data.md).')
        if next(folder.iterdir(), None) is None:
            raise InputError(f'{name}: the folder {folder} is empty: put the data there, or set '
                             'data_root and data_prefix.')


def _read_annotations(dataset: Mapping, name: str) -> Mapping:
    """A JSON annotation file's content; {} where the dataset has none."""
    if not dataset.get('ann_file'):
        return {}
    path = Path(dataset.get('data_root') or '') / dataset['ann_file']
    if not path.is_file():
        raise InputError(f'{name}: the annotation file {path} does not exist: check data_root and '
                         'ann_file.')
    if path.suffix != '.json':
        return {}
    try:
        content = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f'{name}: the annotation file {path} is not JSON ({error}): download or '
                         'export it again.') from error
    if isinstance(content, Mapping) and 'images' in content and not content['images']:
        raise InputError(f'{name}: the annotation file {path} lists no images.')
    return content if isinstance(content, Mapping) else {}


def _classes(dataset: Mapping, scope: str | None) -> tuple[str, ...]:
    classes = (dataset.get('metainfo') or {}).get('classes')
    if classes is None:
        with DATASETS.switch_scope_and_registry(scope) as registry:
            kind = registry.get(dataset['type'])
        classes = getattr(kind, 'METAINFO', {}).get('classes')
    if isinstance(classes, str):
        raise InputError(f'metainfo classes={classes!r} is a text: give a tuple, for one class '
                         f"({classes!r}, ) with its comma.")
    return tuple(classes or ())


def _check_categories(annotations: Mapping, classes: tuple[str, ...], name: str) -> None:
    if 'categories' not in annotations:
        return
    categories = [category['name'] for category in annotations['categories']]
    absent = [label for label in classes if label not in categories]
    if absent:
        raise InputError(f'{name}: classes {absent[:5]} are not among the categories of the '
                         f'annotation file, {categories[:10]}: set metainfo classes to those.')


def _check_heads(model: Mapping, classes: tuple[str, ...], name: str) -> None:
    for path, count in _num_classes(model, 'model'):
        if count != len(classes):
            raise InputError(f'{path}={count}, but {name} has {len(classes)} classes '
                             f'{classes[:5]}: set num_classes to {len(classes)}.')


def _num_classes(node: object, path: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == 'num_classes' and isinstance(value, int):
                yield f'{path}.{key}', value
            else:
                yield from _num_classes(value, f'{path}.{key}')
    elif isinstance(node, (list, tuple)):
        for i, value in enumerate(node):
            yield from _num_classes(value, f'{path}[{i}]')
