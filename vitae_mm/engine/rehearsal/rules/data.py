"""Checking the datasets of a config: folders, files, classes."""

import os
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.fileio import list_from_file

from vitae_mm.engine.config import find_transforms, iter_dicts
from vitae_mm.errors import InputError

from .coco import KEYPOINTS, CocoSummary, check_annotations
from .model import check_heads, check_keypoint_head, check_segmentation_heads, class_counts
from .sources import (
    Source,
    check_folder,
    check_images,
    class_names,
    files_below,
    find_file,
    inherits,
    sources,
)


def check_data(cfg: Config, splits: Sequence[str]) -> dict[str, list[CocoSummary]]:
    """Checks the datasets of a config, and whether the heads fit them.

    Args:
        cfg: Config of any codebase.
        splits: Which of 'train', 'val' and 'test' are used.

    Returns:
        Summaries of the annotation files in COCO format, for each split.

    Raises:
        InputError: For a missing or empty folder, an annotation file or class map that is missing,
            a list of images with an invalid line, heads with a different number of classes or
            keypoints, or class folders that are numbered differently in two splits; also see
            ``check_annotations``.
    """
    used = [source for split in splits for source in sources(cfg, split)]
    numbered: dict[type, tuple[str, ...]] = {}
    for source in used:
        _check_source(source, cfg, numbered)
    check_segmentation_heads(cfg)
    for split in splits:
        for evaluator in iter_dicts(cfg.get(f'{split}_evaluator')):
            find_file(Path(), evaluator.get('ann_file'), f'{split}_evaluator')
    return check_annotations(cfg, used)


def _check_source(source: Source, cfg: Config, numbered: dict[type, tuple[str, ...]]) -> None:
    """Checks a dataset, without the content of files in COCO format.

    Args:
        source: The dataset.
        cfg: Config with the heads.
        numbered: Class folders of the first dataset of each type; extended.
    """
    if not source.downloads:
        for folder in source.folders:
            check_folder(folder, source.name)
        source.file()
    listed = inherits(source.kind, 'mmpretrain.datasets.CustomDataset', 'load_data_list')
    found = _class_folders(source) if listed else ()
    classes = class_names(source) or found
    if classes:
        check_heads(cfg, classes, source.name)
    if '://' in str(source.options.get('ann_file')):
        return
    if found:
        _check_class_folders(found, classes, source)
        _check_same_folders(found, numbered.setdefault(source.kind, found), source)
    elif listed:
        counts = [count for _, count in class_counts(cfg)]
        _check_list(source, len(classes) or max(counts, default=None))
    elif inherits(source.kind, KEYPOINTS):
        _check_pose(source, cfg)
    elif inherits(source.kind, 'mmseg.datasets.BaseSegDataset', 'load_data_list'):
        _check_class_maps(source)


def _class_folders(source: Source) -> tuple[str, ...]:
    """The folders that mmpretrain numbers as classes, in its order; () if it does not."""
    dataset = source.outline()
    folder = Path(dataset.img_prefix)
    check_folder(folder, source.name)
    if dataset.ann_file or not dataset.with_label:
        return ()
    found = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
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
    if not any(dataset.is_valid_file(path) for path in files_below(folder)):
        raise InputError(
            f'{source.name}: there are no images in {folder}, only files that do not end in '
            f'{", ".join(sorted(dataset.extensions))}: set extensions.'
        )
    return found


def _check_class_folders(found: tuple[str, ...], classes: tuple[str, ...], source: Source) -> None:
    if sorted(classes) == sorted(found) and classes != found:
        raise InputError(
            f'{source.name}: the classes {classes[:5]} are not in the order of their folders, '
            f'{found[:5]}, which sets the labels: list them in this order.'
        )


def _check_same_folders(found: tuple[str, ...], first: tuple[str, ...], source: Source) -> None:
    differ = sorted(set(found) ^ set(first))
    if differ:
        raise InputError(
            f'{source.name} has the class folders {found[:10]}, an earlier dataset has '
            f'{first[:10]}: {differ[:5]} are not in both, so their labels would differ; give both '
            'the same folders.'
        )


def _check_list(source: Source, count: int | None) -> None:
    """Checks that the lines of mmpretrain's lists are 'name class' with less than ``count``."""
    dataset = source.outline()
    if not dataset.ann_file:
        return
    lines, where = list_from_file(dataset.ann_file), f'{source.name}: {dataset.ann_file}'
    if not lines:
        raise InputError(f'{where} lists no images: add them, or set ann_file.')
    names = []
    for number, line in enumerate(lines, 1):
        name, _, label = line.strip().rpartition(' ') if dataset.with_label else (line, '', '0')
        if not name or not label.isdecimal() or (count is not None and int(label) >= count):
            labels = 'an integer' if count is None else f'0 to {count - 1}'
            raise InputError(
                f'{where}, line {number}: {line!r} is not the name of an image and the number of '
                f'its class, {labels}: correct the line.'
            )
        names.append(name)
    check_images(names, [Path(dataset.img_prefix)], listing=dataset.ann_file, name=source.name)


def _check_pose(source: Source, cfg: Config) -> None:
    """Checks that mmpose's ``BaseCocoStyleDataset`` defines the keypoints of the head."""
    dataset = source.outline()
    count = dataset.metainfo.get('num_keypoints')
    if count is None:
        raise InputError(
            f'{source.name} does not define its keypoints: set metainfo (see docs/own_data.md).'
        )
    converters = find_transforms(source.options.get('pipeline'), 'KeypointConverter')
    converted = next((step.get('num_keypoints', count) for step in converters), count)
    check_keypoint_head(cfg, converted, source.name)
    find_file(Path(), dataset.bbox_file, source.name)


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
