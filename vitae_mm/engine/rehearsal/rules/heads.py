"""Checking the number of classes and keypoints of a model's heads."""

from collections.abc import Iterator, Mapping

from mmengine.config import Config

from vitae_mm.engine.config import iter_dicts, type_name
from vitae_mm.errors import InputError

COUNTING = ('bbox_head', 'mask_head', 'decode_head', 'auxiliary_head', 'head', 'data_preprocessor')
"""Parts of a model with an option for the number of classes: heads, and mmpretrain's preprocessor,
which creates one-hot labels."""

OTHER_CLASSES = ('STDCHead',)
"""Heads that predict boundaries instead of classes."""

POINT_OPTIONS = dict(
    HeatmapHead='out_channels',
    SimCCHead='out_channels',
    RTMCCHead='out_channels',
    RegressionHead='num_joints',
    RLEHead='num_joints',
    DSNTHead='num_joints',
    IntegralRegressionHead='num_joints',
)
"""Heads of mmpose, and their option for the number of keypoints."""


def check_heads(cfg: Config, classes: tuple[str, ...], name: str) -> None:
    """Raises InputError if the number of classes of a head differs from the dataset's."""
    for path, count in class_counts(cfg):
        if count != len(classes):
            raise InputError(
                f'{path}={count}, but {name} has {len(classes)} classes {classes[:5]}: set '
                f'num_classes to {len(classes)}.'
            )


def check_segmentation_heads(cfg: Config) -> int | None:
    """Returns the number of classes of a segmentor's heads, if there are any.

    Raises:
        InputError: If the heads differ.
    """
    found = [
        (path, count)
        for path, count in class_counts(cfg)
        if path.endswith(('decode_head.num_classes', 'auxiliary_head.num_classes'))
    ]
    for path, count in found:
        if count != found[0][1]:
            raise InputError(
                f'{path}={count}, but {found[0][0]}={found[0][1]}: set all heads to the number of '
                'classes.'
            )
    return found[0][1] if found else None


def check_keypoint_head(cfg: Config, count: int, name: str) -> None:
    """Raises InputError if the number of keypoints of a head differs from the dataset's."""
    for head in iter_dicts(cfg.model.get('head')):
        option = POINT_OPTIONS.get(type_name(head))
        # combined maps also have two offsets for each keypoint
        maps = 3 if (head.get('decoder') or {}).get('heatmap_type') == 'combined' else 1
        predicted = head.get(option)
        if predicted is not None and predicted != maps * count:
            raise InputError(
                f'model.head.{option}={predicted}, but {name} has {count} keypoints: set '
                f'{option} to {maps * count}.'
            )


def class_counts(cfg: Config) -> Iterator[tuple[str, int]]:
    """Yields the path and value of each num_classes in the model."""
    parts = dict(model=cfg.model)
    if 'data_preprocessor' not in cfg.model:
        # mmpretrain's configs define it at the top level
        parts['data_preprocessor'] = cfg.get('data_preprocessor')
    return _counts_below(parts)


def _counts_below(node: object, path: str = '') -> Iterator[tuple[str, int]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            for part in iter_dicts(value) if key in COUNTING else ():
                if part.get('num_classes') is not None and type_name(part) not in OTHER_CLASSES:
                    yield f'{path}{key}.num_classes', part['num_classes']
            yield from _counts_below(value, f'{path}{key}.')
