"""Counting what the datasets of a run contain, and what they drop."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import LoadAnnotations
from PIL import Image

from vitae_mm.engine.hooks.sample_check import unwrap_datasets
from vitae_mm.errors import InputError

from .report import Report
from .rules import CocoSummary, files_below
from .samples import label_names, load_sampled

LISTED = 10
"""Number of classes that are listed with their counts."""

BEYOND = 0.2
"""Share of boxes beyond their images above which they seem to be in another format."""


def count_data(
    split: str,
    dataset: Any,
    *,
    summaries: Sequence[CocoSummary],
    ignored: Sequence[int],
    classes: int,
    report: Report,
) -> None:
    """Adds the contents of a dataset to the report: instances, pixels, keypoints or images of each
    class, and what the dataset drops.

    Args:
        split: 'train', 'val' or 'test'.
        dataset: A dataset of any codebase, or a wrapper.
        summaries: Its annotation files in COCO format.
        ignored: Labels in class maps that are not classes.
        classes: Number of classes of the model; 0 if unknown.
        report: Changed in place.

    Raises:
        InputError: If class maps cannot be read, have labels beyond the classes, or leave the last
            class or all classes but one without a pixel while other pixels are ignored.
    """
    for leaf in unwrap_datasets(dataset):
        if not hasattr(leaf, 'get_data_info') or not len(leaf):
            continue
        infos = (leaf.get_data_info(index) for index in range(len(leaf)))
        first = leaf.get_data_info(0)
        if 'instances' in first:
            text = _count_instances(split, leaf, infos, summaries=summaries, report=report)
        elif 'keypoints' in first or 'keypoints_visible' in first:
            text = _count_keypoints(leaf, infos, summaries)
        elif first.get('seg_map_path') and _loads_maps(leaf):
            text = _count_pixels(split, leaf, ignored, classes=classes, report=report)
        elif 'gt_label' in first:
            text = _count_labels(split, leaf, infos, classes=classes, report=report)
        else:
            continue
        report.rows.append((f'{split} classes', text + _left_out(leaf, first)))


def _count_instances(
    split: str,
    leaf: Any,
    infos: Iterable[Mapping],
    summaries: Sequence[CocoSummary],
    report: Report,
) -> str:
    counts: Counter = Counter()
    paths: Counter = Counter()
    crowds = beyond = 0
    for info in infos:
        paths[info['img_path']] += 1
        for instance in info['instances']:
            _, _, right, bottom = instance['bbox']
            beyond += right > info['width'] + 1 or bottom > info['height'] + 1
            crowds += bool(instance.get('ignore_flag'))
            counts[instance['bbox_label']] += not instance.get('ignore_flag')
    names = label_names(leaf, summaries)
    text = f'{len(leaf):,} images, {sum(counts.values()):,} instances: ' + _by_class(counts, names)
    _name_missing(split, counts, names, 'instance', report)
    total = sum(counts.values()) + crowds
    if beyond > BEYOND * total:
        report.remarks.append(
            f'{split}: {beyond:,} of {total:,} boxes extend beyond their images: a box in COCO '
            'format is left, top, width and height, not two corners.'
        )
    if split == 'train' and not sum(counts.values()):
        raise InputError(
            f'{split}_dataloader: no instance can be used, as {crowds} are crowds (iscrowd=1) and '
            'all others are of other classes, outside their images, without area, or in skipped '
            'images: check classes, boxes and filter_cfg.'
        )
    annotations = sum(summary.annotations for summary in summaries)
    other = sum(summary.others for summary in summaries)
    dropped = {
        'crowd (ignored)': crowds,
        'of other classes (skipped)': other,
        'outside the image, too small or of skipped images (skipped)': annotations
        - other
        - crowds
        - sum(counts.values()),
        'images without annotations': sum(summary.empty_images for summary in summaries),
        'images listed twice': sum(count - 1 for count in paths.values()),
        'images skipped': max(sum(summary.images for summary in summaries) - len(leaf), 0),
    }
    return text + _notes(dropped if summaries else {})


def _count_keypoints(leaf: Any, infos: Iterable[Mapping], summaries: Sequence[CocoSummary]) -> str:
    names = leaf.metainfo.get('keypoint_id2name') or {}
    visible, instances = np.zeros(len(names)), 0
    for info in infos:
        shown = np.asarray(info.get('keypoints_visible', np.zeros((0, len(names)))))
        shown = shown.reshape(-1, *shown.shape[1:2])[:, : len(names)]
        visible += (shown > 0).sum(0)
        instances += len(shown)
    counts = Counter({key: int(count) for key, count in enumerate(visible)})
    text = f'{instances:,} instances; labeled keypoints: ' + _by_class(counts, names)
    annotations = sum(summary.annotations for summary in summaries)
    crowds = sum(summary.crowds for summary in summaries)
    return text + _notes(
        {
            'crowd (skipped)': crowds,
            'without keypoints or outside the image (skipped)': annotations - crowds - instances
            if summaries
            else 0,
            'images without annotations': sum(summary.empty_images for summary in summaries),
        }
    )


def _count_pixels(
    split: str, leaf: Any, ignored: Sequence[int], classes: int, report: Report
) -> str:
    names = label_names(leaf, ())
    count = len(names) or classes
    pixels, maps = np.zeros(256, np.int64), 0
    for content in load_sampled(leaf, ignored):
        found = np.bincount(_read_labels(content), minlength=256)
        unknown = [label for label in np.flatnonzero(found) if label >= count]
        unknown = [label for label in unknown if label not in ignored]
        if count and unknown:
            raise InputError(
                f'{split}_dataloader: the class map {content["seg_map_path"]} gives label '
                f'{unknown[0]}, but there are {count} classes, numbered 0 to {count - 1}, and the '
                f'model ignores {sorted(ignored)}: correct the class map, the classes or '
                'ignore_index.'
            )
        pixels += found
        maps += 1
    counts = Counter({label: int(pixels[label]) for label in names})
    skipped = int(pixels[[label for label in ignored if 0 <= label < 256]].sum())
    total = max(pixels.sum(), 1)
    absent = _ignored_class(counts, names) if skipped else None
    if absent is not None and (maps == len(leaf) or not _occurs(absent, leaf, ignored)):
        raise InputError(
            f'{split}_dataloader: no class map contains {names[absent]!r}, label {absent} of '
            f'{len(names)} classes, but {skipped / total:.0%} of the pixels are ignored: number '
            f'the classes 0 to {len(names) - 1}, and only ignored pixels {sorted(ignored)}; '
            'reduce_zero_label=True also ignores label 0 and moves the others down by one.'
        )
    if maps == len(leaf):
        _name_missing(split, counts, names, 'pixel', report)
    shares = ', '.join(
        f'{names[label]} {count / total:.1%}' for label, count in counts.most_common(LISTED)
    )
    return f'{len(leaf):,} images; pixels of {maps:,} class maps: {shares}' + _notes(
        {f'ignored ({skipped / total:.1%})': skipped}
    )


def _read_labels(content: Mapping) -> np.ndarray:
    """The labels of all pixels of a loaded class map, (N,)."""
    path, labels = content['seg_map_path'], content['gt_seg_map']
    with Image.open(path) as image:
        # mmseg keeps 8 bits of each pixel
        deep = image.mode.startswith(('I', 'F')) and np.asarray(image).max()
    if deep > 255:
        raise InputError(
            f'the class map {path} contains the label {deep:g}, but mmseg reads 8 bits: number '
            'the classes from 0, and ignored pixels 255.'
        )
    return labels.ravel()


def _ignored_class(counts: Counter, names: Mapping[int, str]) -> int | None:
    """A class whose pixels may be saved as ignored ones: the last one, or one beside a single class
    that occurs."""
    absent = [label for label in names if not counts[label]]
    single = len(names) - len(absent) == 1
    return absent[-1] if absent and (single or absent == [max(names)]) else None


def _occurs(label: int, leaf: Any, ignored: Sequence[int]) -> bool:
    """Whether any class map of a dataset contains a label."""
    everything = load_sampled(leaf, ignored, limit=len(leaf))
    return any((content['gt_seg_map'] == label).any() for content in everything)


def _count_labels(
    split: str, leaf: Any, infos: Iterable[Mapping], classes: int, report: Report
) -> str:
    names = label_names(leaf, ())
    counts: Counter = Counter()
    for info in infos:
        labels = np.atleast_1d(np.asarray(info['gt_label'])).tolist()
        counts.update(labels)
        if classes and labels and max(labels) >= classes:
            raise InputError(
                f'{split}_dataloader: {info["img_path"]} has label {max(labels)}, but the model '
                f'has {classes} classes, numbered 0 to {classes - 1}: correct the label or '
                'num_classes.'
            )
    _name_missing(split, counts, names, 'image', report)
    return f'{len(leaf):,} images: ' + _by_class(counts, names)


def _loads_maps(leaf: Any) -> bool:
    return any(isinstance(step, LoadAnnotations) for step in leaf.pipeline.transforms)


def _by_class(counts: Counter, names: Mapping[int, str]) -> str:
    listed = [f'{names.get(label, label)} {count:,}' for label, count in counts.most_common(LISTED)]
    more = len(counts) - len(listed)
    return ', '.join(listed) + (f' and {more:,} more classes' if more > 0 else '')


def _name_missing(
    split: str, counts: Mapping[int, int], names: Mapping[int, str], what: str, report: Report
) -> None:
    missing = [name for label, name in names.items() if not counts.get(label)]
    if missing and len(missing) < len(names):
        more = f' and {len(missing) - LISTED} more' if len(missing) > LISTED else ''
        report.remarks.append(
            f'{split}: no {what} of {", ".join(map(str, missing[:LISTED]))}{more}.'
        )


def _notes(counts: Mapping[str, int]) -> str:
    return ''.join(f'; {count:,} {what}' for what, count in counts.items() if count > 0)


def _left_out(leaf: Any, first: Mapping) -> str:
    """Files in a folder that a dataset does not list, by suffix; '' if it reads a list of files."""
    if getattr(leaf, 'ann_file', None):
        return ''
    prefix = getattr(leaf, 'data_prefix', None) or {}
    folder = str(prefix.get('img_path') or getattr(leaf, 'img_prefix', ''))
    if not Path(folder).is_dir():
        return ''
    files = Counter(
        path.suffix or 'no suffix'
        for path in map(Path, files_below(folder))
        if not path.name.startswith('.')
    )
    listed = getattr(leaf, 'extensions', None) or {Path(first['img_path']).suffix}
    others = {suffix: count for suffix, count in files.items() if suffix.lower() not in listed}
    return _notes({f'files ending in {suffix} (not read)': n for suffix, n in others.items()})
