"""Reading and checking annotation files in COCO format."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from vitae_mm.errors import InputError

from .folders import check_images, find_file, folders
from .source import Source

READERS = (
    'CocoDataset.load_data_list',
    'BaseCocoStyleDataset._load_annotations',
    'INaturalist.load_data_list',
)
"""Methods that read annotations in COCO format."""


def read_annotations(source: Source) -> Mapping:
    """Returns the content of an annotation file in COCO format; {} if there is none.

    Raises:
        InputError: If the file is missing, not JSON, not in COCO format or lists no images, or if
            one of its first images is missing.
    """
    name = source.name
    path = find_file(source.root, source.options.get('ann_file'), name)
    if path is None or path.suffix != '.json':
        return {}
    try:
        content = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f'{name}: the annotation file {path} is not JSON ({error}): download or export it '
            'again.'
        ) from error
    if not any(map(source.has_method, READERS)):
        return {}
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
        places=folders(source),
        listing=path,
        name=name,
    )
    return content


def check_entries(content: Mapping, keys: tuple[str, ...], source: Source) -> None:
    """Checks that every image and annotation has the keys that the codebases read.

    Args:
        content: Content of an annotation file.
        keys: Keys that each annotation needs besides 'id' and 'image_id'.
        source: The dataset.

    Raises:
        InputError: For a missing key, a box that is not four numbers, or a repeated id.
    """
    where = f'{source.name}: {source.options["ann_file"]}'
    _check_keys(content['images'], ('width', 'height'), f'{where}: an entry of images')
    _check_keys(content['annotations'], ('id', 'image_id', *keys), f'{where}: an annotation')
    counts = Counter(annotation['id'] for annotation in content['annotations'])
    identity, count = counts.most_common(1)[0] if counts else (None, 0)
    if count > 1:
        raise InputError(f'{where}: {count} annotations have the id {identity}: renumber them.')
    for annotation in content['annotations']:
        if not _is_box(annotation.get('bbox', [0] * 4)):
            raise InputError(
                f'{where}: the box of annotation {annotation["id"]} is '
                f'{annotation["bbox"]}: give left, top, width and height in pixels.'
            )


def no_annotations(source: Source, count: int) -> InputError:
    """Returns the error for a file without usable annotations."""
    which = f'none of the {count} annotations' if count else 'no annotations'
    remedy = (
        'check their classes, boxes and keypoints'
        if count
        else 'label some images, or remove this split'
    )
    return InputError(
        f'{source.name}: {source.options["ann_file"]} has {which} that can be used: {remedy}.'
    )


def note(source: Source, total: int, others: Mapping[str, int]) -> str:
    """Returns a line with the number of instances and all other counts above 0."""
    counts = [f'{count:,} {what}' for what, count in others.items() if count]
    return f'{source.split}: ' + ', '.join([f'{total:,} instances', *counts])


def _check_keys(listed: Iterable[Mapping], keys: tuple[str, ...], where: str) -> None:
    needed = set(keys)
    for entry in listed:
        if not needed <= entry.keys():
            missing = [key for key in keys if key not in entry]
            raise InputError(
                f'{where} has no {", ".join(missing)}: {str(entry)[:100]}; export the file again '
                'with them.'
            )


def _is_box(box: Any) -> bool:
    try:
        left, top, width, height = box
        return math.isfinite(left + top + width + height)
    except (TypeError, ValueError):
        return False
