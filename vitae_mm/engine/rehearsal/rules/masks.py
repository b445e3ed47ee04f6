"""Checking images and class maps, for mmseg."""

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import mmcv
import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.dataset import BaseDataset

from vitae_mm.engine.config import find_transforms, iter_dicts
from vitae_mm.errors import InputError

from .folders import check_folder, files_below
from .heads import check_segmentation_heads
from .source import Source

METHODS = ('BaseSegDataset.load_data_list',)
"""Methods of the datasets that are checked here."""

SAMPLED_MAPS = 100
"""Number of class maps whose content is checked, evenly spaced over the dataset."""

IGNORED = 255
"""Label of padding and of ignored pixels in mmseg."""


def check_masks(classes: tuple[str, ...], source: Source, cfg: Config) -> str:
    """Checks the images and class maps of mmseg's ``BaseSegDataset``.

    Args:
        classes: Classes of the dataset; if empty, the number of classes of the heads is used.
        source: The dataset.
        cfg: Config with the heads.

    Returns:
        A line with the numbers of images and of checked class maps.

    Raises:
        InputError: If heads differ, there are no images, a listed image or a class map is missing,
            or a class map cannot be decoded, has several channels, more than 8 bits, or labels
            beyond the last class.
    """
    predicted = check_segmentation_heads(cfg)
    dataset = source.outline()
    loads = list(find_transforms(source.options.get('pipeline'), 'LoadAnnotations'))
    _check_prefix(dataset, ('img_path', 'seg_map_path') if loads else ('img_path',), source)
    _check_reduction(dataset, loads, source)
    listed = _list_images(dataset, source)
    if not loads:
        return ''
    maps = [entry['seg_map_path'] for entry in listed]
    _check_exist(
        maps,
        folder=dataset.data_prefix['seg_map_path'],
        what='class map',
        source=source,
        hint=f'the name of the image with {dataset.seg_map_suffix!r} in place of '
        f'{dataset.img_suffix!r}: check seg_map_suffix',
    )
    sampled = maps[:: -(-len(maps) // SAMPLED_MAPS)]
    backend = loads[0].get('imdecode_backend', 'pillow')
    ignored = {
        IGNORED,
        dataset.ignore_index,
        *(head.get('ignore_index', IGNORED) for head in iter_dicts(cfg.model.get('decode_head'))),
    }
    for path in sampled:
        _check_labels(
            _read_labels(path, backend, source),
            count=len(classes) or predicted,
            ignored=ignored,
            dataset=dataset,
            where=f'{source.name}: the class map {path}',
        )
    return (
        f'{source.split}: {len(listed):,} images with class maps; {len(sampled):,} class maps '
        'checked'
    )


def _check_prefix(dataset: BaseDataset, keys: tuple[str, ...], source: Source) -> None:
    missing = [key for key in keys if key not in dataset.data_prefix]
    if missing:
        raise InputError(
            f'{source.name}: data_prefix has no {" and no ".join(missing)}: give the folder of the '
            'images as img_path and that of the class maps as seg_map_path.'
        )


def _check_reduction(dataset: BaseDataset, loads: list[ConfigDict], source: Source) -> None:
    """Checks that two options agree, as mmseg would fail in a data worker otherwise."""
    for step in loads:
        if step.get('reduce_zero_label') not in (None, dataset.reduce_zero_label):
            raise InputError(
                f'{source.name} has reduce_zero_label={dataset.reduce_zero_label}, but '
                f'LoadAnnotations has {step["reduce_zero_label"]}: set it in the dataset, and '
                'remove it from LoadAnnotations.'
            )


def _list_images(dataset: BaseDataset, source: Source) -> list[dict]:
    folder = Path(dataset.data_prefix['img_path'])
    check_folder(folder, source.name)
    listed = dataset.load_data_list()
    if not listed:
        found = sorted({Path(path).suffix for path in files_below(folder)})[:5]
        raise InputError(
            f'{source.name}: no image in {folder} ends in {dataset.img_suffix!r}; there are '
            f'{found}: set img_suffix.'
        )
    if dataset.ann_file:
        _check_exist(
            [entry['img_path'] for entry in listed],
            folder=folder,
            what='image',
            source=source,
            hint=f'{dataset.ann_file} lists it: check img_suffix',
        )
    return listed


def _check_exist(
    paths: Sequence[str], folder: str | os.PathLike, what: str, source: Source, hint: str
) -> None:
    check_folder(Path(folder), source.name)
    existing = set(files_below(folder))
    missing = [path for path in paths if os.path.normpath(path) not in existing]
    if missing:
        raise InputError(
            f'{source.name}: {len(missing)} of {len(paths)} {what}s are missing, such as '
            f'{missing[0]} ({hint}).'
        )


def _read_labels(path: str, backend: str, source: Source) -> np.ndarray:
    """Reads the distinct labels in a class map, (N,), in ascending order."""
    where = f'{source.name}: the class map {path}'
    try:
        pixels = mmcv.imread(path, flag='unchanged', backend=backend)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f'{where} cannot be read ({error}): export it again.') from error
    if pixels is None:
        raise InputError(f'{where} cannot be decoded: export it again.')
    pixels = pixels.squeeze()
    if pixels.ndim > 2:
        raise InputError(
            f'{where} has {pixels.shape[2]} channels: save the class number of each pixel in one '
            'channel, as a PNG of mode L or P does.'
        )
    if pixels.max() > IGNORED:
        raise InputError(
            f'{where} contains the label {pixels.max()}: mmseg reads 8 bits; number the classes '
            f'from 0, and ignored pixels {IGNORED}.'
        )
    # much faster than np.unique
    return np.flatnonzero(np.bincount(pixels.ravel().astype(np.uint8)))


def _check_labels(
    labels: np.ndarray,
    count: int | None,
    ignored: Collection[int],
    dataset: BaseDataset,
    where: str,
) -> None:
    for raw, label in zip(labels, _as_loaded(labels, dataset), strict=True):
        if count is not None and label >= count and label not in ignored:
            reduced = ' after reduce_zero_label' if dataset.reduce_zero_label else ''
            raise InputError(
                f'{where} contains the label {raw}, but there are {count} classes, numbered 0 to '
                f'{count - 1}{reduced}, and {IGNORED} for ignored pixels: correct the class map, '
                'or the classes.'
            )


def _as_loaded(labels: np.ndarray, dataset: BaseDataset) -> Iterator[int]:
    """Yields labels as mmseg's LoadAnnotations converts them."""
    for raw in map(int, labels):
        label = raw
        if dataset.reduce_zero_label:
            label = IGNORED if raw in (0, IGNORED) else raw - 1
        yield (dataset.label_map or {}).get(label, label)
