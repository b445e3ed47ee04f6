"""Checking the datasets of a config: folders, files, classes."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.fileio import list_from_file

from vitae_mm.datasets.inaturalist import INaturalist
from vitae_mm.datasets.stratified_subset import check_options
from vitae_mm.engine.config import find_transforms, iter_dicts, type_name, walk_datasets
from vitae_mm.errors import InputError
from vitae_mm.evaluation.reassessed_labels import NUM_IMAGES, read_labels

from .coco import (
    KEYPOINTS,
    CocoSummary,
    check_annotations,
    check_keypoints,
    label_numbers,
    read_annotations,
)
from .model import check_heads, check_keypoint_head
from .sources import Source, check_folder, files_below, find_file, loaded_class, sources

CLASS_FOLDERS = 'mmpretrain.datasets.CustomDataset'
"""The dataset whose classes may be the subfolders of its image folder."""

FLOWERS = 'mmpretrain.datasets.Flowers102'
"""A dataset without class names."""


def check_data(cfg: Config, splits: tuple[str, ...]) -> dict[str, list[CocoSummary]]:
    """Checks the datasets of a config, and whether the heads fit them.

    Args:
        cfg: Config of any codebase.
        splits: Which of 'train', 'val' and 'test' are used.

    Returns:
        Summaries of the annotation files in COCO format, for each split.

    Raises:
        InputError: For a missing or empty folder, an annotation file that is missing or invalid,
            missing images or classes, heads with a different number of classes or keypoints,
            classes that are numbered differently in two splits, an invalid fraction, or invalid
            reassessed labels.
    """
    summaries: dict[str, list[CocoSummary]] = {}
    numbered: dict[type, tuple[dict[str, int], str]] = {}
    for split in splits:
        for wrapper in walk_datasets(cfg.get(f'{split}_dataloader')):
            if type_name(wrapper) == 'StratifiedSubset':
                check_options(wrapper.get('fraction'), wrapper.get('seed', 0))
        for source in sources(cfg, split):
            summary, numbers = _check_source(source, cfg)
            if summary:
                summaries.setdefault(split, []).append(summary)
            if numbers:
                first = numbered.setdefault(source.kind, (numbers, source.name))
                _check_same_numbers((numbers, source.name), first)
        for evaluator in iter_dicts(cfg.get(f'{split}_evaluator')):
            file = find_file(Path(), evaluator.get('ann_file'), f'{split}_evaluator')
            if file and type_name(evaluator) == 'ReassessedLabels':
                read_labels(file, evaluator.get('num_images', NUM_IMAGES))
    return summaries


def _check_source(source: Source, cfg: Config) -> tuple[CocoSummary | None, dict[str, int]]:
    """Returns the summary of an annotation file, and the labels of the classes if they follow from
    files or folders."""
    annotations: Mapping = {}
    if not source.downloads:
        for folder in source.folders:
            check_folder(folder, source.name)
        annotations = read_annotations(source)
    numbers = _class_folders(source) or label_numbers(annotations, _classes(source), source)
    classes = _classes(source) or tuple(numbers)
    if issubclass(source.kind, INaturalist) and annotations and not classes:
        classes = tuple(category['name'] for category in annotations['categories'])
    if classes:
        _check_categories(annotations, classes, source.name)
        check_heads(cfg, classes, source.name)
    if '://' in str(source.options.get('ann_file')):
        return None, numbers
    if source.reads_as(KEYPOINTS, '_load_annotations', 'parse_data_info'):
        names = _keypoint_names(source, cfg)
        if annotations:
            check_keypoints(annotations, names, source)
    elif source.reads_as('mmseg.datasets.BaseSegDataset', 'load_data_list'):
        _check_class_maps(source)
    elif source.reads_as(CLASS_FOLDERS, 'load_data_list'):
        _check_given_folders(classes, source)
    return check_annotations(annotations, classes, source, cfg), numbers


def _classes(source: Source) -> tuple[str, ...]:
    """The class names of a dataset; () if they are unknown until its data are read."""
    preset = getattr(source.kind, 'METAINFO', None) or {}
    if 'thing_classes' in preset:
        return ()  # panoptic datasets: heads predict things, or things and stuff
    given = source.given_classes
    classes = given if given is not None else preset.get('classes')
    if isinstance(classes, str):
        if Path(classes).is_file():
            return tuple(list_from_file(classes))
        raise InputError(
            f'classes={classes!r} is neither a file nor a tuple: for a single class give '
            f'({classes!r}, ) with a comma.'
        )
    if classes is None and source.kind is loaded_class(FLOWERS):
        return tuple(f'class {number}' for number in range(102))
    return tuple(classes or ())


def _class_folders(source: Source) -> dict[str, int]:
    """The label of each class folder; {} if folders are not the classes."""
    if (
        source.kind is not loaded_class(CLASS_FOLDERS)
        or source.given_classes is not None
        or source.options.get('ann_file')
        or not source.options.get('with_label', True)
    ):
        return {}
    return {name: number for number, name in enumerate(_sub_folders(source.folders[-1], source))}


def _sub_folders(folder: Path, source: Source) -> list[str]:
    """The names of the class folders in a folder, in the order of their labels."""
    found = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if not found:
        raise InputError(
            f'{source.name}: the folder {folder} has no subfolders, one for each class: sort the '
            'images into subfolders, or give an ann_file; for images without classes set '
            'with_label=False.'
        )
    hidden = next((name for name in found if name.startswith('.')), None)
    if hidden:
        raise InputError(
            f'{source.name}: the hidden folder {folder / hidden} would be a class and move all '
            'labels by one: remove it.'
        )
    return found


def _check_same_numbers(one: tuple[dict[str, int], str], other: tuple[dict[str, int], str]) -> None:
    """Raises InputError if two datasets number their classes differently."""
    (numbers, name), (others, other_name) = one, other
    if numbers.keys() != others.keys():
        differ = sorted(numbers.keys() ^ others.keys())
        raise InputError(
            f'{name} has the classes {tuple(numbers)[:10]}, {other_name} has '
            f'{tuple(others)[:10]}: {differ[:5]} are not in both, so their labels would differ; '
            'give both the same folders or categories.'
        )
    moved = next((label for label in numbers if numbers[label] != others[label]), None)
    if moved is not None:
        raise InputError(
            f'{name} gives the class {moved!r} the label {numbers[moved]}, {other_name} gives it '
            f'{others[moved]}, as labels follow the order of the categories in the files: list '
            'them in the same order in both.'
        )


def _check_categories(annotations: Mapping, classes: Sequence[str], name: str) -> None:
    if not annotations:
        return
    categories = [category['name'] for category in annotations['categories']]
    missing = [label for label in classes if label not in categories]
    if missing:
        raise InputError(
            f'{name}: classes {missing[:5]} are not among the categories of the annotation file, '
            f'{categories[:10]}: set metainfo classes to those.'
        )


def _keypoint_names(source: Source, cfg: Config) -> list[str]:
    """The names of the keypoints of mmpose's ``BaseCocoStyleDataset``, which the head must fit."""
    dataset = source.outline()
    names = dataset.metainfo.get('keypoint_id2name')
    if not names:
        raise InputError(
            f'{source.name} does not define its keypoints: set metainfo (see docs/own_data.md).'
        )
    converters = find_transforms(source.options.get('pipeline'), 'KeypointConverter')
    converted = next((step.get('num_keypoints', len(names)) for step in converters), len(names))
    check_keypoint_head(cfg, converted, source.name)
    find_file(Path(), dataset.bbox_file, source.name)
    return [names[number] for number in sorted(names)]


def _check_given_folders(classes: Sequence[str], source: Source) -> None:
    """Checks the class folders of mmpretrain's ``CustomDataset`` and its subclasses, such as
    ``ImageNet``, if the classes are given."""
    dataset = source.outline()
    check_folder(Path(dataset.img_prefix), source.name)
    if dataset.ann_file or not dataset.with_label:
        return
    found = _sub_folders(Path(dataset.img_prefix), source)
    if sorted(classes) == found and list(classes) != found:
        raise InputError(
            f'{source.name}: the classes {tuple(classes)[:5]} are not in the order of their '
            f'folders, {found[:5]}, which sets the labels: list them in this order.'
        )


def _check_class_maps(source: Source) -> None:
    """Checks that the images and class maps of mmseg's ``BaseSegDataset`` exist."""
    dataset = source.outline()
    loads = list(find_transforms(source.options.get('pipeline'), 'LoadAnnotations'))
    keys = ('img_path', 'seg_map_path') if loads else ('img_path',)
    missing = [key for key in keys if key not in dataset.data_prefix]
    if missing:
        raise InputError(
            f'{source.name}: data_prefix has no {" and no ".join(missing)}: give the folder of the '
            'images as img_path and that of the class maps as seg_map_path.'
        )
    for step in loads:
        if step.get('reduce_zero_label') not in (None, dataset.reduce_zero_label):
            # mmseg would fail in a data worker
            raise InputError(
                f'{source.name} has reduce_zero_label={dataset.reduce_zero_label}, but '
                f'LoadAnnotations has {step["reduce_zero_label"]}: set it in the dataset, and '
                'remove it from LoadAnnotations.'
            )
    folder = dataset.data_prefix['img_path']
    check_folder(Path(folder), source.name)
    listed = dataset.load_data_list()
    if not listed:
        found = sorted({Path(path).suffix for path in files_below(folder)})[:5]
        raise InputError(
            f'{source.name}: no image in {folder} ends in {dataset.img_suffix!r}; there are '
            f'{found}: set img_suffix.'
        )
    hints = {
        'image': f'{dataset.ann_file} lists it: check img_suffix',
        'class map': f'the name of the image with {dataset.seg_map_suffix!r} in place of '
        f'{dataset.img_suffix!r}: check seg_map_suffix',
    }
    for key, what in zip(keys, hints, strict=False):
        place = Path(dataset.data_prefix[key])
        check_folder(place, source.name)
        existing = set(files_below(place))
        paths = [entry[key] for entry in listed]
        absent = [path for path in paths if os.path.normpath(path) not in existing]
        if absent:
            raise InputError(
                f'{source.name}: {len(absent)} of {len(paths)} {what}s are missing, such as '
                f'{absent[0]} ({hints[what]}).'
            )
