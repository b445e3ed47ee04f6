"""Annotation files in COCO format, which datasets and metrics read."""

import codecs
import json
import locale
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import METRICS

from vitae_mm.engine.config import find_transforms, iter_dicts
from vitae_mm.errors import InputError

from .model import check_heads
from .sources import Source, check_images, class_names, find_class, find_file, inherits

BOXES = 'mmdet.datasets.CocoDataset'
KEYPOINTS = 'mmpose.datasets.datasets.base.BaseCocoStyleDataset'
LABELS = 'vitae_mm.datasets.inaturalist.INaturalist'

METRIC = {BOXES: 'mmdet.evaluation.CocoMetric', KEYPOINTS: 'mmpose.evaluation.metrics.CocoMetric'}
"""Metrics that read the files of these datasets."""

FARTHEST = 1e6
"""Coordinate, in pixels, up to which pycocotools can draw polygons."""

FARTHEST = 1e6
"""Largest coordinate of a polygon, in pixels; drawing takes memory up to it."""


@dataclass(frozen=True)
class CocoSummary:
    """What only its annotation file says about a dataset.

    Attributes:
        images: Number of images.
        empty_images: Number of images without annotations.
        annotations: Number of annotations.
        crowds: Number of annotations of groups (iscrowd=1), of all categories.
        others: Number of annotations of categories that are not among the classes.
        categories: Name of each category id.
    """

    images: int
    empty_images: int
    annotations: int
    crowds: int
    others: int
    categories: Mapping[int, str]


@dataclass(frozen=True)
class _Reader:
    """A dataset that reads a file, or a metric that scores its predictions with it.

    Attributes:
        path: The file.
        source: The dataset.
        kind: ``BOXES``, ``KEYPOINTS`` or ``LABELS``; '' if the dataset has annotations of its own
            form.
        metric: Config of the metric.
    """

    path: Path
    source: Source
    kind: str
    metric: ConfigDict | None = None

    @property
    def where(self) -> str:
        """Name for messages."""
        name = self.source.name if self.metric is None else f'{self.source.split}_evaluator'
        return f'{name}: {self.path}'

    @property
    def classes(self) -> tuple[str, ...]:
        return class_names(self.source)

    def loads_masks(self) -> bool:
        if self.metric is not None:
            return 'segm' in self.metric.get('metric', ())
        loads = find_transforms(self.source.options.get('pipeline'), 'LoadAnnotations')
        return self.kind == BOXES and any(step.get('with_mask') for step in loads)

    def keys(self) -> set[str]:
        """Keys that each annotation needs."""
        if self.kind not in METRIC:
            return set()
        keys = {'id', 'image_id', 'category_id'}
        if self.kind == BOXES:
            keys |= {'bbox', 'area'}
        if self.metric is not None:
            keys |= {'iscrowd'}
            if self.kind == KEYPOINTS:
                keys |= {'bbox', 'keypoints'}
                keys |= {'area'} if self.metric.get('use_area', True) else set()
                crowds = self.metric.get('iou_type') == 'keypoints_crowd'
                keys |= {'num_keypoints'} if crowds else set()
        return keys


def check_annotations(cfg: Config, used: Sequence[Source]) -> dict[str, list[CocoSummary]]:
    """Checks the annotation files of datasets and of the COCO metrics of mmdet and mmpose. Each is
    read once.

    Args:
        cfg: Config with the evaluators and heads.
        used: The datasets.

    Returns:
        Summaries of the files of the datasets, for each split.

    Raises:
        InputError: If a file is not in COCO format, lists no images or lacks some; if images,
            annotations or categories lack a key or share an id; if a class has two ids, or another
            number in another file; if a metric would never count an annotation as found, or reads
            other images than the dataset; or if a box, mask or keypoint is invalid.
    """
    files: dict[Path, list[_Reader]] = {}
    for reader in _readers(cfg, used):
        files.setdefault(reader.path.resolve(), []).append(reader)
    summaries: dict[str, list[CocoSummary]] = {}
    # all that outlives the content of a file, which may be large
    images: dict[Path, dict] = {}
    numbered: dict[str, tuple[int, Path]] = {}
    for path, readers in files.items():
        content = _read(readers)
        images[path] = {
            entry['id']: str(entry['file_name']).rpartition('/')[2] for entry in content['images']
        }
        for reader in readers:
            _check_reader(content, reader, numbered=numbered, cfg=cfg)
            if reader.metric is None and reader.kind in METRIC:
                summary = _summarize(content, reader)
                summaries.setdefault(reader.source.split, []).append(summary)
    for path, readers in files.items():
        for reader in readers:
            own = reader.source.file()
            if own and not reader.source.options.get('indices'):
                _check_same_images(reader, images[own.resolve()], images[path])
    return summaries


def _readers(cfg: Config, used: Sequence[Source]) -> Iterator[_Reader]:
    datasets = []
    for source in used:
        path, kind = source.file(), _kind(source)
        if path and kind is not None:
            datasets.append(_Reader(path, source, kind))
    yield from datasets
    for split in dict.fromkeys(source.split for source in used):
        for metric in iter_dicts(cfg.get(f'{split}_evaluator')):
            metric_class = find_class(METRICS, metric.get('type'), cfg.get('default_scope'))
            file = find_file(Path(), metric.get('ann_file'), f'{split}_evaluator')
            scored = [
                reader
                for reader in datasets
                if reader.source.split == split
                and inherits(metric_class, METRIC.get(reader.kind, ''), 'compute_metrics')
            ]
            if metric.get('format_only') or not scored:
                continue
            if file is None:
                # mmdet's metric numbers the annotations anew, mmpose's reads the dataset's file
                yield from (
                    _Reader(reader.path, reader.source, reader.kind, metric)
                    for reader in scored
                    if reader.kind == KEYPOINTS or 'segm' in metric.get('metric', ())
                )
                continue
            same = [reader for reader in scored if reader.path.resolve() == file.resolve()]
            if same or len(scored) == 1:
                owner = (same or scored)[0]
                yield _Reader(file, owner.source, owner.kind, metric)


def _kind(source: Source) -> str | None:
    """How a dataset reads annotations; None if not in COCO format."""
    if inherits(source.kind, LABELS, 'load_data_list'):
        return LABELS
    for base, load in ((BOXES, 'load_data_list'), (KEYPOINTS, '_load_annotations')):
        if inherits(source.kind, base, load):
            return base if inherits(source.kind, base, 'parse_data_info') else ''
    return None


def _read(readers: Sequence[_Reader]) -> dict:
    """Returns the content of a file; checks all that does not depend on classes."""
    where = readers[0].where
    content = _parse(readers[0].path, where)
    if isinstance(content, dict) and all(reader.source.split == 'test' for reader in readers):
        content.setdefault('annotations', [])  # of test sets they may be unpublished
    missing = [
        key
        for key in ('images', 'annotations', 'categories')
        if not isinstance(content, dict) or not isinstance(content.get(key), list)
    ]
    if missing or not all(
        isinstance(category, Mapping) and 'name' in category for category in content['categories']
    ):
        raise InputError(
            f'{where} is not in COCO format: it needs the lists images, annotations and '
            f'categories, and each category a name; missing: {missing or ["name"]}.'
        )
    images, annotations = content['images'], content['annotations']
    if not images:
        raise InputError(f'{where} lists no images: export it again, or set ann_file.')
    keys = set[str]().union(*(reader.keys() for reader in readers))
    sizes = {'width', 'height'} if keys else set()
    _check_keys(images, {'id', 'file_name', *sizes}, f'{where}: an entry of images')
    _check_keys(annotations, keys, f'{where}: an annotation')
    for name in ('images', 'annotations', 'categories'):
        counts = Counter(entry.get('id') for entry in content[name] if keys or name == 'images')
        identity, count = counts.most_common(1)[0] if counts else (None, 0)
        if count > 1:
            raise InputError(
                f'{where}: {name}: {count} entries have the id {identity!r}: renumber them.'
            )
    for annotation in annotations if keys else ():
        box, area = annotation.get('bbox', [0] * 4), annotation.get('area', 0)
        if not _are_numbers(box, count=4) or not _are_numbers([area], count=1):
            raise InputError(
                f'{where}: annotation {annotation["id"]} has the box {box} and the area {area}: '
                'give left, top, width and height, and the area, in pixels.'
            )
    return content


def _parse(path: Path, where: str) -> Any:
    text = path.read_bytes()
    encoding = locale.getpreferredencoding(False)
    if not text.isascii() and codecs.lookup(encoding).name != 'utf-8':
        raise InputError(
            f'{where} has letters beyond ASCII, which pycocotools would read as {encoding}: set '
            'the environment variable PYTHONUTF8=1.'
        )
    try:
        return json.loads(text.decode())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f'{where} is not JSON ({error}): download or export it again.') from error


def _check_keys(listed: Sequence[Any], keys: set[str], where: str) -> None:
    for entry in listed:
        if not isinstance(entry, dict) or not keys <= entry.keys():
            missing = keys.difference(entry if isinstance(entry, dict) else ())
            raise InputError(
                f'{where} has no {", ".join(sorted(missing))}: {str(entry)[:100]}; export the file '
                'again with them.'
            )


def _check_reader(
    content: Mapping, reader: _Reader, numbered: dict[str, tuple[int, Path]], cfg: Config
) -> None:
    """Checks what depends on the classes of a dataset, or on a metric.

    Args:
        content: Content of the file.
        reader: Who reads it.
        numbered: Number of each class in mmdet, and the file that sets it; extended.
        cfg: Config with the heads.
    """
    if reader.metric is None:
        check_images(
            (image['file_name'] for image in content['images']),
            places=reader.source.folders,
            listing=reader.path,
            name=reader.source.name,
        )
        if reader.kind == LABELS and not reader.classes:
            names = tuple(category['name'] for category in content['categories'])
            check_heads(cfg, names, reader.source.name)
        if not content['annotations'] and reader.source.split != 'test':
            raise InputError(
                f'{reader.where} has no annotations: label some images, or remove this split.'
            )
        if reader.kind == KEYPOINTS:
            _check_keypoints(content, reader)
    elif reader.kind == KEYPOINTS or reader.metric.get('ann_file'):
        _check_scored(content, reader)
    if reader.kind == BOXES:
        _check_categories(content['categories'], reader, numbered)
        if reader.loads_masks():
            _check_masks(content, reader)


def _check_categories(
    categories: Sequence[Mapping], reader: _Reader, numbered: dict[str, tuple[int, Path]]
) -> None:
    """Checks that mmdet numbers the classes 0 to N - 1, in the same order in all files."""
    classes, where = set(reader.classes), reader.where
    names = [category['name'] for category in categories]
    missing = sorted(classes.difference(names))
    if missing:
        raise InputError(
            f'{where}: classes {missing[:5]} are not among the categories of the annotation file, '
            f'{names[:10]}: set metainfo classes to those.'
        )
    wanted = [name for name in names if name in classes]
    counts = Counter(wanted)
    for number, name in enumerate(wanted):
        if counts[name] > 1:
            ids = [category['id'] for category in categories if category['name'] == name]
            raise InputError(
                f'{where} has {len(ids)} categories of the name {name!r}, ids {ids}, so the labels '
                f'would not be 0 to {len(classes) - 1}: merge them, or rename the one that is not '
                'the class (exports often add a root category).'
            )
        first, path = numbered.setdefault(name, (number, reader.path))
        if number != first:
            raise InputError(
                f'{where} gives the class {name!r} the label {number}, {path} gives it {first}, as '
                'labels follow the order of the categories in the files: list them in the same '
                'order in both.'
            )


def _check_scored(content: Mapping, reader: _Reader) -> None:
    """Checks that pycocotools counts annotations as found."""
    annotations, where = content['annotations'], reader.where
    if not annotations:
        raise InputError(
            f'{where} has no annotations to compare predictions with: give another ann_file, or '
            'set format_only=True and outfile_prefix to save the predictions alone.'
        )
    listed = {category['id'] for category in content['categories']}
    for annotation in annotations:
        identity = annotation['id']
        try:
            number = float(identity)
        except (TypeError, ValueError):
            number = math.nan
        # what is not found is marked by 0 in pycocotools, by -1 in the version of mmpose
        if not (abs(number) > 0 if reader.kind == BOXES else number >= 0):
            raise InputError(
                f'{where}: annotation {identity} is never counted as found by COCO metrics, even '
                'if it is: number the annotations from 1.'
            )
        if reader.kind == KEYPOINTS and annotation['category_id'] not in listed:
            raise InputError(
                f'{where}: annotation {identity} is never counted as found by COCO metrics, as its '
                f'category {annotation["category_id"]} is not in the file: add it.'
            )


def _check_same_images(reader: _Reader, images: Mapping, others: Mapping) -> None:
    """Raises InputError unless a file has the images of the dataset, by id and name."""
    for identity, name in images.items():
        if others.get(identity) != name:
            found = f'calls it {others[identity]}' if identity in others else 'lacks it'
            raise InputError(
                f'{reader.source.name} reads the image {name} with id {identity}, but '
                f'{reader.where} {found}: set its ann_file to that of the dataset.'
            )


def _check_masks(content: Mapping, reader: _Reader) -> None:
    """Checks the masks of the classes; mmdet skips short polygons, metrics do not."""
    images = {image['id']: image for image in content['images']}
    classes = set(reader.classes)
    wanted = {entry['id'] for entry in content['categories'] if entry['name'] in classes}
    for annotation in content['annotations']:
        image = images.get(annotation['image_id'])
        if image is None or annotation['category_id'] not in wanted:
            continue
        problem = _mask_problem(
            annotation.get('segmentation'), image, strict=reader.metric is not None
        )
        if problem:
            raise InputError(
                f'{reader.where}: annotation {annotation["id"]} of image {image["id"]} has '
                f'{problem}: give polygons [[x1, y1, x2, y2, x3, y3, ...], ...] or RLE of the size '
                'of the image, or use a detector without masks.'
            )


def _mask_problem(mask: Any, image: Mapping, strict: bool) -> str:
    if not mask:
        return 'no segmentation'
    if isinstance(mask, dict):
        counts, size = mask.get('counts'), [image['height'], image['width']]
        if not isinstance(counts, (list, str)) or 'size' not in mask:
            return 'a segmentation without size and counts'
        if mask['size'] != size:
            return f'a segmentation of size {mask["size"]} (height, width) in an image of {size}'
        if isinstance(counts, list):
            whole = _are_numbers(counts, count=len(counts)) and sum(counts) == math.prod(size)
            return '' if whole else f'a segmentation whose counts do not add up to its size {size}'
        return ''
    if not isinstance(mask, list) or not all(isinstance(polygon, list) for polygon in mask):
        return 'a segmentation that is not a list of polygons'
    for polygon in mask:
        if not _are_numbers(polygon, count=len(polygon)):
            return f'a segmentation with coordinates that are not numbers, {str(polygon)[:60]}'
        if strict and (len(polygon) < 6 or len(polygon) % 2):
            return f'a segmentation with a polygon of {len(polygon)} coordinates'
        if polygon and (max(polygon) > FARTHEST or min(polygon) < -FARTHEST):
            return f'a segmentation with a coordinate of {max(polygon, key=abs):g} pixels'
    return ''


def _check_keypoints(content: Mapping, reader: _Reader) -> None:
    """Checks the ids of images, and number, order and form of the keypoints."""
    where = reader.where
    named = reader.source.outline().metainfo['keypoint_id2name']
    names = [named[number] for number in sorted(named)]
    text = next((image['id'] for image in content['images'] if isinstance(image['id'], str)), None)
    if text is not None:
        raise InputError(f'{where}: mmpose needs numbers as ids of images, not {text!r}.')
    for category in content['categories']:
        given = category.get('keypoints') or names
        if len(given) != len(names):
            raise InputError(
                f'{where} has {len(given)} keypoints for the category {category["name"]!r}, '
                f'{given[:5]}, but metainfo has {len(names)}: give both the same.'
            )
        if sorted(given) == sorted(names) and given != names:
            raise InputError(
                f'{where} has the keypoints {given[:5]} for the category {category["name"]!r}, '
                f'but metainfo has them in another order, {names[:5]}: give both the same.'
            )
    for annotation in content['annotations']:
        points, label = annotation.get('keypoints'), f'{where}: annotation {annotation["id"]}'
        count = len(points) if isinstance(points, list) else 0
        if 'keypoints' in annotation and count != 3 * len(names):
            raise InputError(
                f'{label} has {count} numbers for its keypoints, but metainfo has {len(names)} '
                f'keypoints: give x, y and visibility of each, {3 * len(names)} numbers.'
            )
        if count and not _are_numbers(points, count=count):
            raise InputError(
                f'{label} has keypoints that are not numbers, {str(points)[:80]}: give 0, 0, 0 for '
                'those that are not labeled.'
            )


def _summarize(content: Mapping, reader: _Reader) -> CocoSummary:
    images, annotations, classes = content['images'], content['annotations'], set(reader.classes)
    names = {entry['id']: entry['name'] for entry in content['categories']}
    wanted = {key for key, name in names.items() if name in classes}
    covered = {annotation['image_id'] for annotation in annotations}
    others = sum(annotation['category_id'] not in wanted for annotation in annotations)
    return CocoSummary(
        images=len(images),
        empty_images=sum(image['id'] not in covered for image in images),
        annotations=len(annotations),
        crowds=sum(bool(annotation.get('iscrowd')) for annotation in annotations),
        others=others if reader.kind == BOXES else 0,
        categories=names,
    )


def _are_numbers(values: Any, count: int) -> bool:
    """Whether a list has this number of finite numbers."""
    try:
        # several times faster than looking at each
        return len(values) == count and math.isfinite(sum(values))
    except (TypeError, OverflowError):
        return False
