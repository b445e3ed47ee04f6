"""Checking keypoints, for mmpose."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from mmengine.config import Config

from vitae_mm.engine.config import find_transforms
from vitae_mm.errors import InputError

from .coco import check_entries, no_annotations, note
from .folders import find_file
from .heads import check_keypoint_head
from .source import Source

METHODS = ('BaseCocoStyleDataset._load_annotations', 'BaseCocoStyleDataset.parse_data_info')
"""Methods of the datasets that are checked here."""


def check_keypoints(
    content: Mapping, source: Source, cfg: Config, evaluated: Collection[str]
) -> str:
    """Checks the annotations of mmpose's ``BaseCocoStyleDataset``.

    mmpose skips crowds, annotations without a box or labeled keypoints, and boxes outside the
    image; these are counted. Keypoints outside the image are counted too, but are allowed: mmpose
    crops each instance with a margin, padded beyond the image, so keypoints there contribute to
    the loss; only those beyond the heatmap have a loss weight of zero.

    Args:
        content: Content of the annotation file.
        source: The dataset.
        cfg: Config with the head.
        evaluated: Additional keys of each annotation that the metrics read.

    Returns:
        A line with the numbers of annotations, skipped ones, and keypoints outside the image.

    Raises:
        InputError: If head, dataset, categories and annotations differ in the number of keypoints,
            an annotation lacks a key, or no annotation can be used.
    """
    dataset = source.outline()
    count = dataset.metainfo.get('num_keypoints')
    if count is None:
        raise InputError(
            f'{source.name} does not define its keypoints: set metainfo (see docs/own_data.md).'
        )
    converters = find_transforms(source.options.get('pipeline'), 'KeypointConverter')
    converted = next((converter.get('num_keypoints', count) for converter in converters), count)
    check_keypoint_head(cfg, converted, source.name)
    find_file(Path(), dataset.bbox_file, source.name)
    if not content or (source.split == 'test' and not content['annotations']):
        return ''  # test sets may be published without annotations
    check_entries(content, ('category_id', *evaluated), source)
    _check_counts(content, count, source)
    sizes = {image['id']: (image['width'], image['height']) for image in content['images']}
    annotations = content['annotations']
    usable = [entry for entry in annotations if _is_labeled(entry, sizes)]
    if not usable:
        raise no_annotations(source, len(annotations))
    outside = sum(_points_outside(entry['keypoints'], sizes[entry['image_id']]) for entry in usable)
    return note(
        source,
        len(annotations),
        {
            'without keypoints or outside the image (skipped)': len(annotations) - len(usable),
            'keypoints outside the image': outside,
        },
    )


def _check_counts(content: Mapping, count: int, source: Source) -> None:
    """Raises InputError unless all annotations have the keypoints of the dataset."""
    where = f'{source.name}: {source.options["ann_file"]}'
    for category in content['categories']:
        named = category.get('keypoints')
        if named and len(named) != count:
            raise InputError(
                f'{where} has {len(named)} keypoints for the category {category["name"]!r}, '
                f'{named[:5]}, but metainfo has {count}: give both the same.'
            )
    for entry in content['annotations']:
        if 'keypoints' in entry and len(entry['keypoints']) != 3 * count:
            raise InputError(
                f'{where}: annotation {entry["id"]} has {len(entry["keypoints"])} numbers for its '
                f'keypoints, but metainfo has {count} keypoints: give x, y and visibility of each, '
                f'{3 * count} numbers.'
            )


def _is_labeled(annotation: Mapping, sizes: Mapping[int, Sequence[int]]) -> bool:
    """Whether mmpose uses an annotation."""
    if (
        annotation['image_id'] not in sizes
        or annotation.get('iscrowd')
        or not all(annotation.get(key) for key in ('bbox', 'keypoints'))
    ):
        return False
    left, top, width, height = annotation['bbox']
    image_width, image_height = sizes[annotation['image_id']]
    points = annotation['keypoints']
    return (
        annotation.get('num_keypoints') != 0
        and max(points[::3] + points[1::3]) > 0
        and min(left + width, image_width - 1) > max(left, 0)
        and min(top + height, image_height - 1) > max(top, 0)
    )


def _points_outside(keypoints: Sequence[float], size: Sequence[int]) -> int:
    """Number of labeled keypoints outside an image (width, height)."""
    return sum(
        visible > 0 and not (0 <= x < size[0] and 0 <= y < size[1])
        for x, y, visible in zip(keypoints[::3], keypoints[1::3], keypoints[2::3], strict=True)
    )
