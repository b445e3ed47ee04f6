"""Keypoints, for mmpose."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from mmengine.config import Config

from vitae_mm.engine.config import steps
from vitae_mm.errors import InputError

from .coco import check_entries, no_annotations, note
from .folders import find_file
from .heads import check_keypoint_head
from .source import Source

METHODS = ('BaseCocoStyleDataset._load_annotations', 'BaseCocoStyleDataset.parse_data_info')


def check_keypoints(
    content: Mapping, source: Source, cfg: Config, evaluated: Collection[str]
) -> str:
    """Checks annotations as mmpose's ``BaseCocoStyleDataset`` reads them.

    mmpose leaves out crowds, and what has no box, no keypoints or none that
    is labelled, or a box outside of the image: they are counted. Keypoints
    outside of their image are counted too. mmpose cuts an instance out with a
    margin and pads what is beyond the image: a keypoint there is learned from
    as any other; one so far out that its heatmap would show nothing of it gets
    no weight in the loss.

    Args:
        content: Of the annotation file.
        source: The dataset.
        cfg: Whose head is compared.
        evaluated: What the metrics read of each annotation besides.

    Returns:
        How many annotations there are, and how many are left out.

    Raises:
        InputError: If head, dataset, categories or an annotation have another
            number of keypoints, an annotation lacks what is read, or none can
            be used.
    """
    dataset = source.outline()
    count = dataset.metainfo.get('num_keypoints')
    if count is None:
        raise InputError(
            f'{source.name} does not say which keypoints there are: set metainfo '
            '(see docs/own_data.md).'
        )
    converted = next(steps(source.options.get('pipeline'), 'KeypointConverter'), {})
    check_keypoint_head(cfg, converted.get('num_keypoints', count), source.name)
    find_file(Path(), dataset.bbox_file, source.name)
    if not content or (source.split == 'test' and not content['annotations']):
        return ''  # those of a test set may be kept back
    check_entries(content, ('category_id', *evaluated), source)
    _check_counts(content, count, source)
    sizes = {image['id']: (image['width'], image['height']) for image in content['images']}
    annotations = content['annotations']
    usable = [entry for entry in annotations if _is_labelled(entry, sizes)]
    if not usable:
        raise no_annotations(source, len(annotations))
    outside = sum(_points_outside(entry['keypoints'], sizes[entry['image_id']]) for entry in usable)
    return note(
        source,
        len(annotations),
        {
            'left out as without keypoints or outside of their image': len(annotations)
            - len(usable),
            'keypoints outside of their image': outside,
        },
    )


def _check_counts(content: Mapping, count: int, source: Source) -> None:
    """All have as many keypoints as the dataset says."""
    where = f'{source.name}: {source.options["ann_file"]}'
    for category in content['categories']:
        named = category.get('keypoints')
        if named and len(named) != count:
            raise InputError(
                f'{where} has {len(named)} keypoints for the category '
                f'{category["name"]!r}, {named[:5]}, but metainfo has {count}: give '
                'both the same.'
            )
    for entry in content['annotations']:
        if 'keypoints' in entry and len(entry['keypoints']) != 3 * count:
            raise InputError(
                f'{where}: annotation {entry["id"]} has {len(entry["keypoints"])} '
                f'numbers for its keypoints, but metainfo has {count} keypoints: '
                f'give x, y and visibility of each, {3 * count} numbers.'
            )


def _is_labelled(annotation: Mapping, sizes: Mapping[int, Sequence[int]]) -> bool:
    """Whether mmpose finds something to learn from."""
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
    """How many labelled keypoints are outside of an image (width, height)."""
    return sum(
        visible > 0 and not (0 <= x < size[0] and 0 <= y < size[1])
        for x, y, visible in zip(keypoints[::3], keypoints[1::3], keypoints[2::3])
    )
