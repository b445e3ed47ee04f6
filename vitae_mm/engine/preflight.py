"""Checks made before anything is built or trained: in seconds, by name."""
import inspect
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import DATASETS

from vitae_mm.datasets.stratified_subset import check_options
from vitae_mm.errors import InputError
from vitae_mm.evaluation.reassessed_labels import NUM_IMAGES, read_labels

COUNTING = ('bbox_head', 'mask_head', 'decode_head', 'head', 'data_preprocessor')
"""Parts of a model that count the classes of the dataset: heads predict them,
mmpretrain's preprocessor makes one-hot labels of them."""

NAMELESS = {'Flowers102': 102}
"""Datasets of mmpretrain whose classes have no names, and how many there are."""

FOLDERS_ARE_CLASSES = 'mmpretrain.datasets.custom.CustomDataset'
"""The dataset whose classes may be the sub-folders of its image folder."""

COCO_FORM = ('Coco', 'INaturalist')
"""Datasets with one of these in their name read annotations in COCO form."""

SAMPLED_IMAGES = 20
"""How many of the annotated images are looked for."""


def check_data(cfg: Config, splits: tuple[str, ...]) -> None:
    """Checks the datasets of a config, and the heads against them.

    Args:
        cfg: Of any of the codebases.
        splits: Which of 'train', 'val' and 'test' will be read.

    Raises:
        InputError: For a folder that is missing or empty, an annotation file
            that is missing or not JSON, images that it names and that are
            not there, classes that it does not have, heads with another
            number of classes, class folders that differ between splits, a
            fraction that is none, and reassessed labels of another form or
            length.
    """
    folders = {}
    for split in splits:
        for wrapper in _entries(cfg.get(f'{split}_dataloader')):
            if _type_name(wrapper) == 'StratifiedSubset':
                check_options(wrapper.get('fraction'), wrapper.get('seed', 0))
        for dataset in _datasets(cfg.get(f'{split}_dataloader')):
            kind = _dataset_class(dataset, cfg.get('default_scope'))
            name = f'{split}_dataloader ({kind.__name__})'
            annotations = {}
            # else it brings its own data
            if 'download' not in inspect.signature(kind).parameters:
                _check_folders(dataset, name)
                annotations = _read_annotations(dataset, name)
            classes = _classes(dataset, kind, annotations, name)
            if classes:
                _check_categories(annotations, classes, name)
                _check_heads(cfg, classes, name)
            if classes and _has_class_folders(dataset, kind):
                _check_same_classes(classes, name, *folders.setdefault(kind, (classes, name)))
        for evaluator in _dicts(cfg.get(f'{split}_evaluator')):
            file = _find_file(Path(), evaluator.get('ann_file'), f'{split}_evaluator')
            if file and _type_name(evaluator) == 'ReassessedLabels':
                read_labels(file, evaluator.get('num_images', NUM_IMAGES))


def check_work_dir(work_dir: str, resume: bool, overwrite: bool) -> None:
    """Refuses to train over the checkpoints of another run.

    Raises:
        InputError: If the folder holds a run and neither is asked for.
    """
    mark = Path(work_dir) / 'last_checkpoint'
    if overwrite:
        # else a run that is cut short early would be resumed from the old one
        mark.unlink(missing_ok=True)
    elif mark.exists() and not resume:
        raise InputError(f'{work_dir} already holds a run: continue it with --resume, choose '
                         'another --work-dir, or give --overwrite to replace it.')


def _dicts(node: object) -> Iterator[Mapping]:
    """A dict, or those of a list."""
    if isinstance(node, Mapping):
        yield node
    elif isinstance(node, (list, tuple)):
        for inner in node:
            yield from _dicts(inner)


def _inner(entry: Mapping) -> object:
    """The dataset, or several, in a data loader or a wrapper."""
    return entry.get('dataset', entry.get('datasets'))


def _entries(node: object) -> Iterator[Mapping]:
    """Data loaders, lists of them, wrappers such as RepeatDataset and
    ConcatDataset, and the datasets inside."""
    for entry in _dicts(node):
        yield entry
        yield from _entries(_inner(entry))


def _datasets(node: object) -> Iterator[Mapping]:
    """The innermost ones; those on remote storage are left out."""
    for entry in _entries(node):
        if _inner(entry) is None and '://' not in str(entry.get('data_root')):
            yield entry


def _type_name(entry: Mapping) -> str:
    """Name of a class, given as it is or as text, with or without scope."""
    kind = entry.get('type', '')
    return kind.rpartition('.')[2] if isinstance(kind, str) else kind.__name__


def _dataset_class(dataset: Mapping, scope: str | None) -> type:
    kind = dataset['type']
    if isinstance(kind, str):
        with DATASETS.switch_scope_and_registry(scope) as registry:
            kind = registry.get(kind)
    if kind is None:
        raise InputError(f'dataset type {dataset["type"]!r} is not registered in {scope}: check '
                         'its spelling and default_scope.')
    return kind


def _folders(dataset: Mapping) -> list[Path]:
    root = Path(dataset.get('data_root') or '')
    prefix = dataset.get('data_prefix') or {}
    parts = list(prefix.values()) if isinstance(prefix, Mapping) else [prefix]
    return [root, *(root / part for part in parts if part is not None)]


def _check_folders(dataset: Mapping, name: str) -> None:
    for folder in _folders(dataset):
        if not folder.is_dir():
            raise InputError(f'{name}: the folder {folder} does not exist: put the data there, or '
                             'set data_root (see docs/own_data.md).')
        if next(folder.iterdir(), None) is None:
            raise InputError(f'{name}: the folder {folder} is empty: put the data there, or set '
                             'data_root and data_prefix.')


def _find_file(root: Path, file: object, name: str) -> Path | None:
    """The annotation file, if one is named and it is not on remote storage."""
    if not file or not isinstance(file, str) or '://' in file:
        return None
    path = root / file
    if not path.is_file():
        raise InputError(f'{name}: the annotation file {path} does not exist: check data_root and '
                         'ann_file.')
    return path


def _read_annotations(dataset: Mapping, name: str) -> Mapping:
    """The content of an annotation file in COCO form; {} where there is none."""
    path = _find_file(Path(dataset.get('data_root') or ''), dataset.get('ann_file'), name)
    if path is None or path.suffix != '.json':
        return {}
    try:
        content = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f'{name}: the annotation file {path} is not JSON ({error}): download or '
                         'export it again.') from error
    if not any(word in name for word in COCO_FORM):
        return {}
    absent = [key for key in ('images', 'annotations', 'categories')
              if not isinstance(content, Mapping) or not isinstance(content.get(key), list)]
    if absent or not all(isinstance(category, Mapping) and 'name' in category
                         for category in content['categories']):
        raise InputError(f'{name}: the annotation file {path} is not in COCO form: it needs lists '
                         f'images, annotations and categories, each category with a name; '
                         f'missing: {absent or ["name"]}.')
    if not content['images']:
        raise InputError(f'{name}: the annotation file {path} lists no images.')
    folders = _folders(dataset)
    for image in islice(content['images'], SAMPLED_IMAGES):
        if not any((folder / image['file_name']).is_file() for folder in folders):
            raise InputError(f'{name}: {path} names the image {image["file_name"]}, which is not '
                             f'in {folders[-1]}: check data_prefix.')
    return content


def _classes(dataset: Mapping, kind: type, annotations: Mapping, name: str) -> tuple[str, ...]:
    """Names of the classes; () where they are not known beforehand."""
    preset = getattr(kind, 'METAINFO', None) or {}
    if 'thing_classes' in preset:
        return ()  # panoptic: heads predict things or all
    given = _given_classes(dataset)
    classes = given if given is not None else preset.get('classes')
    if isinstance(classes, str):
        if Path(classes).is_file():
            return tuple(Path(classes).read_text().split('\n'))
        raise InputError(f'classes={classes!r} is neither a file nor a tuple: for one class give '
                         f'({classes!r}, ) with its comma.')
    if classes is None and kind.__name__ == 'INaturalist' and annotations:
        return tuple(category['name'] for category in annotations['categories'])
    if classes is None and kind.__name__ in NAMELESS:
        return tuple(f'class {i}' for i in range(NAMELESS[kind.__name__]))
    if _has_class_folders(dataset, kind):
        return _sub_folders(_folders(dataset)[-1], name)
    return tuple(classes or ())


def _given_classes(dataset: Mapping) -> object:
    """The classes that the config names; None for none."""
    return (dataset.get('metainfo') or {}).get('classes', dataset.get('classes'))


def _has_class_folders(dataset: Mapping, kind: type) -> bool:
    """Whether the sub-folders of the images are the classes."""
    return (f'{kind.__module__}.{kind.__name__}' == FOLDERS_ARE_CLASSES
            and _given_classes(dataset) is None and dataset.get('with_label', True)
            and not dataset.get('ann_file'))


def _sub_folders(folder: Path, name: str) -> tuple[str, ...]:
    found = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    if not found:
        raise InputError(f'{name}: the folder {folder} has no sub-folders, one for each class: '
                         'sort the images into some, or give an ann_file; for images without '
                         'classes set with_label=False.')
    return found


def _check_categories(annotations: Mapping, classes: tuple[str, ...], name: str) -> None:
    if not annotations:
        return
    categories = [category['name'] for category in annotations['categories']]
    absent = [label for label in classes if label not in categories]
    if absent:
        raise InputError(f'{name}: classes {absent[:5]} are not among the categories of the '
                         f'annotation file, {categories[:10]}: set metainfo classes to those.')


def _check_same_classes(classes: tuple[str, ...], name: str, others: tuple[str, ...],
                        other_name: str) -> None:
    """Folders are numbered in each split by itself: they must be the same."""
    differ = sorted(set(classes) ^ set(others))
    if differ:
        raise InputError(f'{name} has the class folders {classes[:10]}, {other_name} has '
                         f'{others[:10]}: {differ[:5]} are not in both, so that labels would not '
                         'agree; give both the same folders.')


def _check_heads(cfg: Config, classes: tuple[str, ...], name: str) -> None:
    parts = dict(model=cfg.model)
    if 'data_preprocessor' not in cfg.model:
        # mmengine makes it a part of the model
        parts['data_preprocessor'] = cfg.get('data_preprocessor')
    for path, count in _num_classes(parts):
        if count != len(classes):
            raise InputError(f'{path}={count}, but {name} has {len(classes)} classes '
                             f'{classes[:5]}: set num_classes to {len(classes)}.')


def _num_classes(node: object, path: str = '') -> Iterator[tuple[str, int]]:
    """Every num_classes of the parts that count classes, with where it stands."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            for part in _dicts(value) if key in COUNTING else ():
                if part.get('num_classes') is not None:
                    yield f'{path}{key}.num_classes', part['num_classes']
            yield from _num_classes(value, f'{path}{key}.')
