"""Checking boxes and instance masks, for mmdet."""

from collections.abc import Collection, Mapping, Sequence

from vitae_mm.engine.config import find_transforms
from vitae_mm.errors import InputError

from .coco import check_entries, no_annotations, note
from .source import Source

METHODS = ('CocoDataset.load_data_list', 'CocoDataset.parse_data_info')
"""Methods of the datasets that are checked here."""


def check_instances(
    content: Mapping, classes: tuple[str, ...], source: Source, evaluated: Collection[str]
) -> str:
    """Checks the annotations of mmdet's ``CocoDataset``.

    mmdet skips annotations of other classes, boxes that are outside the image, less than a pixel
    wide or high, or without area, and images that are too small for filter_cfg; these are counted.

    Args:
        content: Content of the annotation file.
        classes: Classes of the dataset.
        source: The dataset.
        evaluated: Additional keys of each annotation that the metrics read.

    Returns:
        A line with the numbers of annotations and of skipped ones.

    Raises:
        InputError: If an annotation lacks a key, or no annotation can be used.
    """
    if not content or (source.split == 'test' and not content['annotations']):
        return ''  # test sets may be published without annotations
    check_entries(content, ('category_id', 'bbox', 'area', *evaluated), source)
    wanted = {category['id'] for category in content['categories'] if category['name'] in classes}
    min_size = (
        0
        if source.options.get('test_mode')
        else (source.options.get('filter_cfg') or {}).get('min_size', 0)
    )
    sizes = {
        image['id']: (image['width'], image['height'])
        for image in content['images']
        if min(image['width'], image['height']) >= min_size
    }
    annotations = content['annotations']
    of_classes = [entry for entry in annotations if entry['category_id'] in wanted]
    usable = [entry for entry in of_classes if _is_inside(entry, sizes)]
    if not usable:
        raise no_annotations(source, len(annotations))
    _check_masks(usable, source)
    return note(
        source,
        len(annotations),
        {
            'of other classes (skipped)': len(annotations) - len(of_classes),
            'outside the image or too small (skipped)': len(of_classes) - len(usable),
        },
    )


def _is_inside(annotation: Mapping, sizes: Mapping[int, Sequence[int]]) -> bool:
    """Whether mmdet uses an annotation."""
    if annotation['image_id'] not in sizes or annotation.get('ignore'):
        return False
    left, top, width, height = annotation['bbox']
    image_width, image_height = sizes[annotation['image_id']]
    return (
        min(left + width, image_width) > max(left, 0)
        and min(top + height, image_height) > max(top, 0)
        and annotation['area'] > 0
        and width >= 1
        and height >= 1
    )


def _check_masks(annotations: list[Mapping], source: Source) -> None:
    """Checks that masks exist if they are loaded; mmdet ignores only invalid ones."""
    loads = find_transforms(source.options.get('pipeline'), 'LoadAnnotations')
    if not any(step.get('with_mask') for step in loads):
        return
    bare = next((entry for entry in annotations if not entry.get('segmentation')), None)
    if bare:
        raise InputError(
            f'{source.name}: annotation {bare["id"]} of {source.options["ann_file"]} has no '
            'segmentation, which LoadAnnotations(with_mask=True) reads: add masks, or use a '
            'detector without them.'
        )
