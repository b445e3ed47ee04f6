"""Reading and checking annotation files in COCO format."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config

from vitae_mm.datasets.inaturalist import INaturalist
from vitae_mm.engine.config import find_transforms, iter_dicts, type_name
from vitae_mm.errors import InputError

from .sources import Source, check_images, find_file

BOXES = 'mmdet.datasets.CocoDataset'
KEYPOINTS = 'mmpose.datasets.datasets.base.BaseCocoStyleDataset'


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


def read_annotations(source: Source) -> Mapping:
    """Returns the content of an annotation file in COCO format; {} if there is none.

    Raises:
        InputError: If the file is missing, not JSON, not in COCO format or lists no images, or if
            one of its first images is missing. Only test sets need no annotations.
    """
    name = source.name
    path = find_file(source.root, source.options.get('ann_file'), name)
    if path is None or path.suffix != '.json':
        return {}
    try:
        content = json.loads(path.read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f'{name}: the annotation file {path} is not JSON ({error}): download or export it '
            'again.'
        ) from error
    if not (
        source.reads_as(BOXES, 'load_data_list')
        or source.reads_as(KEYPOINTS, '_load_annotations')
        or issubclass(source.kind, INaturalist)
    ):
        return {}
    if source.split == 'test' and isinstance(content, dict):
        content.setdefault('annotations', [])
    missing = [
        key
        for key in ('images', 'annotations', 'categories')
        if not isinstance(content, Mapping) or not isinstance(content.get(key), list)
    ]
    if missing or not all(
        isinstance(category, Mapping) and 'name' in category for category in content['categories']
    ):
        raise InputError(
            f'{name}: the annotation file {path} is not in COCO format: it needs the lists images, '
            'annotations and categories, and each category a name; '
            f'missing: {missing or ["name"]}.'
        )
    if not content['images']:
        raise InputError(
            f'{name}: the annotation file {path} lists no images: export it again, or set ann_file.'
        )
    _check_keys(content['images'], ('id', 'file_name'), f'{name}: {path}: an entry of images')
    check_images(
        (image['file_name'] for image in content['images']),
        places=source.folders,
        listing=path,
        name=name,
    )
    return content


def check_annotations(
    content: Mapping, classes: Sequence[str], source: Source, cfg: Config
) -> CocoSummary | None:
    """Checks the annotations of mmdet's and mmpose's COCO datasets.

    Args:
        content: Content of the annotation file.
        classes: Classes of the dataset.
        source: The dataset.
        cfg: Config with the evaluators.

    Returns:
        A summary; None for other datasets.

    Raises:
        InputError: If images, annotations or categories lack a key or share an id, a class has two
            ids, a COCO metric would skip an annotation because its id is 0, or a box, mask or
            keypoint is invalid.
    """
    boxes = source.reads_as(BOXES, 'load_data_list', 'parse_data_info')
    keypoints = source.reads_as(KEYPOINTS, '_load_annotations', 'parse_data_info')
    if not content or not (boxes or keypoints):
        return None
    where = f'{source.name}: {source.options["ann_file"]}'
    images, annotations = content['images'], content['annotations']
    if not annotations and source.split != 'test':
        raise InputError(f'{where} has no annotations: label some images, or remove this split.')
    metrics = [
        metric
        for metric in iter_dicts(cfg.get(f'{source.split}_evaluator'))
        if type_name(metric) == 'CocoMetric' and metric.get('ann_file')
    ]
    evaluated: tuple[str, ...] = ('iscrowd',) if metrics else ()
    if keypoints and any(metric.get('use_area', True) for metric in metrics):
        evaluated = ('area', 'iscrowd')
    needed = ('category_id', 'bbox', 'area') if boxes else ('category_id',)
    _check_keys(images, ('width', 'height'), f'{where}: an entry of images')
    _check_keys(annotations, ('id', 'image_id', *needed, *evaluated), f'{where}: an annotation')
    _check_ids(images, f'{where}: images')
    _check_ids(annotations, f'{where}: annotations')
    if boxes:
        _check_categories(content['categories'], classes, where)
    for annotation in annotations:
        label = f'{where}: annotation {annotation["id"]}'
        if metrics and annotation['id'] == 0:
            raise InputError(
                f'{label} is never counted as found by COCO metrics, even if it is: number the '
                'annotations from 1.'
            )
        if not _are_numbers(annotation.get('bbox', [0] * 4), count=4):
            raise InputError(
                f'{label} has the box {annotation["bbox"]}: give left, top, width and height in '
                'pixels.'
            )
    if boxes:
        loads = find_transforms(source.options.get('pipeline'), 'LoadAnnotations')
        loaded = any(step.get('with_mask') for step in loads)
        scored = any('segm' in metric.get('metric', ()) for metric in metrics)
        if loaded or scored:
            _check_masks(content, where, strict=scored)
    wanted = {entry['id'] for entry in content['categories'] if entry['name'] in classes}
    covered = {annotation['image_id'] for annotation in annotations}
    return CocoSummary(
        images=len(images),
        empty_images=sum(image['id'] not in covered for image in images),
        annotations=len(annotations),
        crowds=sum(bool(annotation.get('iscrowd')) for annotation in annotations),
        others=sum(annotation['category_id'] not in wanted for annotation in annotations)
        if boxes
        else 0,
        categories={entry['id']: entry['name'] for entry in content['categories']},
    )


def label_numbers(content: Mapping, classes: Sequence[str], source: Source) -> dict[str, int]:
    """Returns the label that mmdet's ``CocoDataset`` gives each class: its place in the categories
    of the file, not in ``classes``; {} for other datasets."""
    if not content or not source.reads_as(BOXES, 'load_data_list'):
        return {}
    names = [entry['name'] for entry in content['categories'] if entry['name'] in classes]
    return {name: number for number, name in enumerate(names)}


def check_keypoints(content: Mapping, names: Sequence[str], source: Source) -> None:
    """Checks the keypoints of mmpose's ``BaseCocoStyleDataset``.

    Args:
        content: Content of the annotation file.
        names: Names of the keypoints of the dataset, in order.
        source: The dataset.

    Raises:
        InputError: If categories or annotations have another number or order of keypoints, or
            coordinates are not numbers.
    """
    where, count = f'{source.name}: {source.options["ann_file"]}', len(names)
    for category in content['categories']:
        named = category.get('keypoints') or names
        if len(named) != count:
            raise InputError(
                f'{where} has {len(named)} keypoints for the category {category["name"]!r}, '
                f'{named[:5]}, but metainfo has {count}: give both the same.'
            )
        if sorted(named) == sorted(names) and list(named) != list(names):
            raise InputError(
                f'{where} has the keypoints {named[:5]} for the category {category["name"]!r}, '
                f'but metainfo has them in another order, {list(names)[:5]}: give both the same.'
            )
    for entry in content['annotations']:
        points = entry.get('keypoints')
        if points is None:
            continue
        label = f'{where}: annotation {entry["id"]}'
        if len(points) != 3 * count:
            raise InputError(
                f'{label} has {len(points)} numbers for its keypoints, but metainfo has {count} '
                f'keypoints: give x, y and visibility of each, {3 * count} numbers.'
            )
        if not _are_numbers(points, count=3 * count):
            raise InputError(f'{label} has keypoints that are not numbers: {str(points)[:80]}.')


def _check_keys(listed: Iterable[Mapping], keys: tuple[str, ...], where: str) -> None:
    needed = set(keys)
    for entry in listed:
        if not needed <= entry.keys():
            missing = [key for key in keys if key not in entry]
            raise InputError(
                f'{where} has no {", ".join(missing)}: {str(entry)[:100]}; export the file again '
                'with them.'
            )


def _check_ids(entries: Sequence[Mapping], where: str) -> None:
    counts = Counter(entry['id'] for entry in entries)
    identity, count = counts.most_common(1)[0] if counts else (None, 0)
    if count > 1:
        raise InputError(f'{where}: {count} entries have the id {identity}: renumber them.')


def _check_categories(categories: Sequence[Mapping], classes: Sequence[str], where: str) -> None:
    """Raises InputError if a class has several category ids, which mmdet would number on."""
    named: dict[str, list] = {}
    for category in categories:
        named.setdefault(category['name'], []).append(category['id'])
    for name, ids in named.items():
        if len(ids) > 1 and name in classes:
            raise InputError(
                f'{where} has {len(ids)} categories of the name {name!r}, ids {ids}, so the labels '
                f'would not be 0 to {len(classes) - 1}: merge them, or rename the one that is not '
                'the class (exports often add a root category).'
            )


def _check_masks(content: Mapping, where: str, strict: bool) -> None:
    """Checks the masks of all annotations.

    Args:
        content: Content of an annotation file.
        where: The file, for messages.
        strict: Reject polygons of less than three points, which mmdet skips in training.
    """
    sizes = {image['id']: (image['height'], image['width']) for image in content['images']}
    for annotation in content['annotations']:
        mask, size = annotation.get('segmentation'), sizes.get(annotation['image_id'])
        label = f'{where}: annotation {annotation["id"]} of image {annotation["image_id"]}'
        if not mask:
            raise InputError(
                f'{label} has no segmentation, which LoadAnnotations(with_mask=True) and the metric '
                'segm read: add masks, or use a detector without them.'
            )
        problem = _mask_problem(mask, size, strict)
        if problem:
            raise InputError(
                f'{label} has a segmentation {problem}: give polygons [[x1, y1, x2, y2, x3, y3, '
                '...], ...] or RLE of the size of the image.'
            )


def _mask_problem(mask: Any, size: tuple[int, int] | None, strict: bool) -> str:
    if isinstance(mask, Mapping):
        counts = mask.get('counts')
        if not isinstance(counts, (list, str)) or 'size' not in mask:
            return 'without size and counts'
        if size and tuple(mask['size']) != size:
            return f'of size {mask["size"]} (height, width) in an image of {list(size)}'
        if isinstance(counts, list) and sum(counts) != math.prod(mask['size']):
            return f'whose counts do not add up to its size {mask["size"]}'
        return ''
    if not isinstance(mask, list) or not all(isinstance(polygon, list) for polygon in mask):
        return 'that is not a list of polygons'
    for polygon in mask:
        if not _are_numbers(polygon, count=len(polygon)):
            return f'with coordinates that are not numbers, {str(polygon)[:60]}'
        if strict and (len(polygon) < 6 or len(polygon) % 2):
            return f'with a polygon of {len(polygon)} coordinates'
    return ''


def _are_numbers(values: Any, count: int) -> bool:
    """Whether a list has this number of finite numbers."""
    try:
        return len(values) == count and all(map(math.isfinite, values))
    except TypeError:
        return False
