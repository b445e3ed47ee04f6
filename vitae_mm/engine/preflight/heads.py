"""What the heads of a model count: classes, and keypoints."""

from collections.abc import Iterator, Mapping

from mmengine.config import Config

from vitae_mm.engine.config import dicts, type_name
from vitae_mm.errors import InputError

COUNTING = ('bbox_head', 'mask_head', 'decode_head', 'auxiliary_head', 'head', 'data_preprocessor')
"""Parts of a model that count the classes of the dataset: heads predict them,
mmpretrain's preprocessor makes one-hot labels of them."""

OTHER_CLASSES = ('STDCHead',)
"""Heads that predict something else than the classes of the dataset: boundaries."""

POINT_OPTIONS = dict(
    HeatmapHead='out_channels',
    SimCCHead='out_channels',
    RTMCCHead='out_channels',
    RegressionHead='num_joints',
    RLEHead='num_joints',
    DSNTHead='num_joints',
    IntegralRegressionHead='num_joints',
)
"""Heads of mmpose, and the option that says how many keypoints they predict."""


def check_heads(cfg: Config, classes: tuple[str, ...], name: str) -> None:
    """Raises InputError for a head with another number of classes."""
    for path, count in class_counts(cfg):
        if count != len(classes):
            raise InputError(
                f'{path}={count}, but {name} has {len(classes)} classes '
                f'{classes[:5]}: set num_classes to {len(classes)}.'
            )


def check_segmentation_heads(cfg: Config) -> int | None:
    """The number of classes of a segmentor's heads.

    Raises:
        InputError: If they differ.
    """
    found = [
        (path, count)
        for path, count in class_counts(cfg)
        if path.endswith(('decode_head.num_classes', 'auxiliary_head.num_classes'))
    ]
    for path, count in found:
        if count != found[0][1]:
            raise InputError(
                f'{path}={count}, but {found[0][0]}={found[0][1]}: give all heads '
                'the number of classes.'
            )
    return found[0][1] if found else None


def check_keypoint_head(cfg: Config, count: int, name: str) -> None:
    """Raises InputError for a head with another number of keypoints."""
    for head in dicts(cfg.model.get('head')):
        option = POINT_OPTIONS.get(type_name(head))
        # besides the heatmap, these predict two offsets of each keypoint
        maps = 3 if (head.get('decoder') or {}).get('heatmap_type') == 'combined' else 1
        predicted = head.get(option)
        if predicted is not None and predicted != maps * count:
            raise InputError(
                f'model.head.{option}={predicted}, but {name} has {count} keypoints: '
                f'set {option} to {maps * count}.'
            )


def class_counts(cfg: Config) -> Iterator[tuple[str, int]]:
    """Every num_classes of the parts that count classes, with where it stands."""
    parts = dict(model=cfg.model)
    if 'data_preprocessor' not in cfg.model:
        # mmengine makes it a part of the model
        parts['data_preprocessor'] = cfg.get('data_preprocessor')
    return _counts_below(parts)


def _counts_below(node: object, path: str = '') -> Iterator[tuple[str, int]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            for part in dicts(value) if key in COUNTING else ():
                if part.get('num_classes') is not None and type_name(part) not in OTHER_CLASSES:
                    yield f'{path}{key}.num_classes', part['num_classes']
            yield from _counts_below(value, f'{path}{key}.')
