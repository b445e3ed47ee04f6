"""Checking images in class folders or lists, for mmpretrain."""

from pathlib import Path

from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.fileio import list_from_file

from vitae_mm.errors import InputError

from .classes import sub_folders
from .folders import check_folder, check_images, files_below
from .heads import class_counts
from .source import Source

METHODS = ('CustomDataset.load_data_list',)
"""Methods of the datasets that are checked here."""


def check_listing(classes: tuple[str, ...], source: Source, cfg: Config) -> str:
    """Checks the images of mmpretrain's ``CustomDataset`` and its subclasses, such as
    ``ImageNet``.

    mmpretrain itself warns about a class folder without images.

    Args:
        classes: Classes of the dataset; if empty, the number of classes of the head is used.
        source: The dataset.
        cfg: Config with the head.

    Returns:
        A line with the number of listed images; '' for class folders, which are not counted.

    Raises:
        InputError: If the number of class folders differs from that of the classes, folders have
            no images, a list is empty, or a line in it is not a name and a class number.
    """
    dataset = source.outline()
    folder = Path(dataset.img_prefix)
    check_folder(folder, source.name)
    if dataset.ann_file:
        counts = [count for _, count in class_counts(cfg)]
        return _check_list(
            dataset, folder, count=len(classes) or max(counts, default=None), source=source
        )
    _check_class_folders(dataset, folder, classes=classes, source=source)
    return ''


def _check_class_folders(
    dataset: BaseDataset, folder: Path, classes: tuple[str, ...], source: Source
) -> None:
    places = [folder]
    if dataset.with_label:
        found = sub_folders(folder, source.name)
        if classes and len(found) != len(classes):
            raise InputError(
                f'{source.name}: {folder} has {len(found)} class folders, {found[:5]}, for '
                f'{len(classes)} classes: add the missing folders, or correct the classes.'
            )
        places = [folder / label for label in found]
    if not any(dataset.is_valid_file(path) for place in places for path in files_below(place)):
        raise InputError(
            f'{source.name}: there are no images in {folder}, only files that do not end in '
            f'{", ".join(sorted(dataset.extensions))}: set extensions.'
        )


def _check_list(dataset: BaseDataset, folder: Path, count: int | None, source: Source) -> str:
    file = dataset.ann_file
    lines = list_from_file(file)
    if not lines:
        raise InputError(
            f'{source.name}: the annotation file {file} lists no images: add them, or set ann_file.'
        )
    if dataset.with_label:
        names = [
            _file_name(line, number, count=count, where=f'{source.name}: {file}')
            for number, line in enumerate(lines, 1)
        ]
    else:
        names = lines
    check_images(names, places=[folder], listing=file, name=source.name)
    return f'{source.split}: {len(lines):,} images listed'


def _file_name(line: str, number: int, count: int | None, where: str) -> str:
    """The file name in a line 'name class'."""
    name, _, label = line.strip().rpartition(' ')
    if not name or not label.isdecimal() or (count is not None and int(label) >= count):
        numbers = 'an integer' if count is None else f'0 to {count - 1}'
        raise InputError(
            f'{where}, line {number}: {line!r} is not the name of an image and the number of its '
            f'class, {numbers}: correct the line.'
        )
    return name
