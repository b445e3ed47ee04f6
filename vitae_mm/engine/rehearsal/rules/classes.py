"""Finding and checking the classes of a dataset."""

from collections.abc import Mapping
from pathlib import Path

from mmengine.fileio import list_from_file

from vitae_mm.errors import InputError

from .folders import folders
from .source import Source

NAMELESS = {'Flowers102': 102}
"""Number of classes of mmpretrain's datasets without class names."""

FOLDERS_ARE_CLASSES = 'mmpretrain.datasets.custom.CustomDataset'
"""The dataset whose classes may be the subfolders of its image folder."""


def class_names(source: Source, annotations: Mapping) -> tuple[str, ...]:
    """Returns the class names of a dataset; () if they are unknown until it is loaded.

    Args:
        source: The dataset.
        annotations: Content of its annotation file in COCO format; {} if there is none.

    Raises:
        InputError: If ``classes`` is a string, or an image folder has no class folders.
    """
    kind, given = source.kind, source.given_classes
    preset = getattr(kind, 'METAINFO', None) or {}
    if 'thing_classes' in preset:
        return ()  # panoptic datasets: heads predict things, or things and stuff
    classes = given if given is not None else preset.get('classes')
    if isinstance(classes, str):
        if Path(classes).is_file():
            return tuple(list_from_file(classes))
        raise InputError(
            f'classes={classes!r} is neither a file nor a tuple: for a single class give '
            f'({classes!r}, ) with a comma.'
        )
    if classes is None and kind.__name__ == 'INaturalist' and annotations:
        return tuple(category['name'] for category in annotations['categories'])
    if classes is None and kind.__name__ in NAMELESS:
        return tuple(f'class {i}' for i in range(NAMELESS[kind.__name__]))
    if has_class_folders(source):
        return sub_folders(folders(source)[-1], source.name)
    return tuple(classes or ())


def has_class_folders(source: Source) -> bool:
    """Whether the subfolders of the image folder are the classes."""
    return (
        f'{source.kind.__module__}.{source.kind.__name__}' == FOLDERS_ARE_CLASSES
        and source.given_classes is None
        and source.options.get('with_label', True)
        and not source.options.get('ann_file')
    )


def sub_folders(folder: Path, name: str) -> tuple[str, ...]:
    """Returns the names of the class folders in a folder.

    Raises:
        InputError: If there are none.
    """
    found = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    if not found:
        raise InputError(
            f'{name}: the folder {folder} has no subfolders, one for each class: sort the images '
            'into subfolders, or give an ann_file; for images without classes set '
            'with_label=False.'
        )
    return found


def check_categories(annotations: Mapping, classes: tuple[str, ...], name: str) -> None:
    """Raises InputError if an annotation file lacks classes."""
    if not annotations:
        return
    categories = [category['name'] for category in annotations['categories']]
    missing = [label for label in classes if label not in categories]
    if missing:
        raise InputError(
            f'{name}: classes {missing[:5]} are not among the categories of the annotation file, '
            f'{categories[:10]}: set metainfo classes to those.'
        )


def check_same_classes(
    classes: tuple[str, ...], name: str, others: tuple[str, ...], other_name: str
) -> None:
    """Raises InputError if two splits have different class folders, which would be numbered
    differently."""
    differ = sorted(set(classes) ^ set(others))
    if differ:
        raise InputError(
            f'{name} has the class folders {classes[:10]}, {other_name} has {others[:10]}: '
            f'{differ[:5]} are not in both, so their labels would differ; give both the same '
            'folders.'
        )
