"""Class maps of images, for mmseg."""

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import mmcv
import numpy as np
from mmengine.config import Config
from mmengine.dataset import BaseDataset

from vitae_mm.engine.config import dicts, steps
from vitae_mm.errors import InputError

from .folders import check_folder, files_below
from .heads import check_segmentation_heads
from .source import Source

METHODS = ('BaseSegDataset.load_data_list',)

SAMPLED_MAPS = 100
"""How many class maps are looked into, evenly over the dataset."""

IGNORED = 255
"""The label that mmseg pads with, and gives to what is left out."""


def check_masks(classes: tuple[str, ...], source: Source, cfg: Config) -> str:
    """Checks images and class maps as mmseg's ``BaseSegDataset`` reads them.

    Args:
        classes: Of the dataset; where there are none, the heads count.
        source: The dataset.
        cfg: Whose heads are compared.

    Returns:
        How many images there are, and how many maps were looked into.

    Raises:
        InputError: If heads differ, there are no images, one that is listed
            is not there, or one has no map; for a map that does not decode,
            has channels, more than 8 bits, or labels past the last class.
    """
    predicted = check_segmentation_heads(cfg)
    dataset = source.outline()
    loads = list(steps(source.options.get('pipeline'), 'LoadAnnotations'))
    _check_prefix(dataset, ('img_path', 'seg_map_path') if loads else ('img_path',), source)
    _check_reduction(dataset, loads, source)
    listed = _list_images(dataset, source)
    if not loads:
        return ''
    maps = [entry['seg_map_path'] for entry in listed]
    _check_there(
        maps,
        dataset.data_prefix['seg_map_path'],
        'class map',
        source,
        f'its name is that of the image, with {dataset.seg_map_suffix!r} in place of '
        f'{dataset.img_suffix!r}: check seg_map_suffix',
    )
    sampled = maps[:: -(-len(maps) // SAMPLED_MAPS)]
    backend = loads[0].get('imdecode_backend', 'pillow')
    ignored = {
        IGNORED,
        dataset.ignore_index,
        *(head.get('ignore_index', IGNORED) for head in dicts(cfg.model.get('decode_head'))),
    }
    for path in sampled:
        _check_labels(
            _read_labels(path, backend, source),
            len(classes) or predicted,
            ignored,
            dataset,
            f'{source.name}: the class map {path}',
        )
    return (
        f'{source.split}: {len(listed):,} images, each with its class map; '
        f'{len(sampled):,} maps looked into'
    )


def _check_prefix(dataset: BaseDataset, keys: tuple[str, ...], source: Source) -> None:
    absent = [key for key in keys if key not in dataset.data_prefix]
    if absent:
        raise InputError(
            f'{source.name}: data_prefix has no {" and no ".join(absent)}: give the '
            'folder of the images as img_path, that of the class maps as '
            'seg_map_path.'
        )


def _check_reduction(dataset: BaseDataset, loads: list[dict], source: Source) -> None:
    """mmseg stops in a data worker if these two differ."""
    for step in loads:
        if step.get('reduce_zero_label') not in (None, dataset.reduce_zero_label):
            raise InputError(
                f'{source.name} has reduce_zero_label={dataset.reduce_zero_label}, but '
                f'LoadAnnotations has {step["reduce_zero_label"]}: set it in the dataset, and '
                'leave it out of LoadAnnotations.'
            )


def _list_images(dataset: BaseDataset, source: Source) -> list[dict]:
    folder = Path(dataset.data_prefix['img_path'])
    check_folder(folder, source.name)
    listed = dataset.load_data_list()
    if not listed:
        found = sorted({Path(path).suffix for path in files_below(folder)})[:5]
        raise InputError(
            f'{source.name}: no image of {folder} ends in {dataset.img_suffix!r}; '
            f'there are {found}: set img_suffix.'
        )
    if dataset.ann_file:
        _check_there(
            [entry['img_path'] for entry in listed],
            folder,
            'image',
            source,
            f'{dataset.ann_file} lists it: check img_suffix',
        )
    return listed


def _check_there(
    paths: Sequence[str], folder: str | os.PathLike, what: str, source: Source, hint: str
) -> None:
    check_folder(Path(folder), source.name)
    there = set(files_below(folder))
    absent = [path for path in paths if os.path.normpath(path) not in there]
    if absent:
        raise InputError(
            f'{source.name}: {len(absent)} of {len(paths)} {what}s are not there, '
            f'such as {absent[0]} ({hint}).'
        )


def _read_labels(path: str, backend: str, source: Source) -> np.ndarray:
    """The labels in a class map, (N, ), ascending."""
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
            f'{where} has {pixels.shape[2]} channels: save the number of the class '
            'of each pixel in one channel, such as a PNG of mode L or P.'
        )
    if pixels.max() > IGNORED:
        raise InputError(
            f'{where} holds the label {pixels.max()}: mmseg reads 8 bits; number the '
            f'classes from 0 on, {IGNORED} counts for nothing.'
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
    for raw, label in zip(labels, _as_loaded(labels, dataset)):
        if count is not None and label >= count and label not in ignored:
            reduced = ' after reduce_zero_label' if dataset.reduce_zero_label else ''
            raise InputError(
                f'{where} holds the label {raw}, but there are {count} classes, '
                f'numbered 0 to {count - 1}{reduced}, and {IGNORED} counts for '
                'nothing: correct the map, or the classes.'
            )


def _as_loaded(labels: np.ndarray, dataset: BaseDataset) -> Iterator[int]:
    """What mmseg's LoadAnnotations makes of labels."""
    for label in map(int, labels):
        if dataset.reduce_zero_label:
            label = IGNORED if label in (0, IGNORED) else label - 1
        yield (dataset.label_map or {}).get(label, label)
