"""Checking the heads of a model, and the weights that a run starts from."""

import math
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config
from mmengine.model import BaseModule
from torch import nn

from vitae_mm.backbones import StagedBackbone
from vitae_mm.checkpoints import (
    entries_below,
    load_pretrained,
    misshapen_keys,
    read_checkpoint,
    unwrap_state_dict,
)
from vitae_mm.engine.config import iter_dicts, type_name
from vitae_mm.engine.hooks.checkpoint_match import check_start
from vitae_mm.engine.resume import check_resumable
from vitae_mm.errors import InputError
from vitae_mm.selfsup import MaskedViTAE

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


def check_segmentation_heads(cfg: Config) -> None:
    """Raises InputError if the heads of a segmentor differ in the number of classes."""
    heads = ('decode_head.num_classes', 'auxiliary_head.num_classes')
    found = [(path, count) for path, count in class_counts(cfg) if path.endswith(heads)]
    for path, count in found:
        if count != found[0][1]:
            raise InputError(
                f'{path}={count}, but {found[0][0]}={found[0][1]}: set all heads to the number of '
                'classes.'
            )


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


def check_autoencoder(model: nn.Module) -> None:
    """Checks that mmpretrain's decoder and head fit the tokens of the encoder.

    Args:
        model: Any model, also on the meta device; only those with our masked encoder and
            mmpretrain's decoder and head are checked.

    Raises:
        InputError: If a size does not fit.
    """
    encoder = getattr(model, 'backbone', None)
    if not isinstance(encoder, MaskedViTAE):
        return
    # other tasks work without mmpretrain
    from mmpretrain.models import MAEPretrainDecoder, MAEPretrainHead

    neck, head = model.neck, model.head
    if not isinstance(neck, MAEPretrainDecoder) or not isinstance(head, MAEPretrainHead):
        return
    parts: Any = encoder
    rows, columns = parts.stages[0].embedding.grid
    patch = encoder.stride
    size = f'img_size={encoder.img_size[0]} and patches of {patch}x{patch}'
    for option, found, wanted in (
        ('model.neck.num_patches', neck.num_patches, rows * columns),
        ('model.neck.embed_dim', neck.decoder_embed.in_features, parts.norm.normalized_shape[0]),
        (
            'model.neck.patch_size',
            math.sqrt(neck.decoder_pred.out_features / encoder.in_channels),
            patch,
        ),
        ('model.head.patch_size', head.patch_size, patch),
    ):
        if found != wanted:
            raise InputError(
                f'{option}={found:g} does not fit the encoder with {size}: it must be {wanted}.'
            )


def check_start_weights(cfg: Config, model: nn.Module, trust: bool = False) -> list[str]:
    """Checks that the checkpoints of a training run fit its model: those of the backbone's
    ``init_cfg``, of ``load_from`` and of a run to resume.

    URLs are not downloaded; they are checked when training starts.

    Args:
        cfg: Config of a training run.
        model: Its model on the meta device.
        trust: Unpickle any object in a checkpoint, except in the ``init_cfg`` of our backbones.
            Defaults to False.

    Returns:
        A line with the number of matched keys for each checkpoint; [] for random weights.

    Raises:
        InputError: If a file is missing, is not a checkpoint or does not fit.
    """
    backbone = getattr(model, 'backbone', None)
    lines = [
        _check_pretrained(backbone, options, trust)
        for options in iter_dicts(getattr(backbone, 'init_cfg', None))
        if options.get('type') == 'Pretrained'
    ]
    path = cfg.get('load_from')
    if path and '://' in path:
        lines.append(f'{path}: read when training starts')
    elif path:
        content = read_checkpoint(path, map_location='meta', trust=trust)
        if cfg.get('resume'):
            check_resumable(content, path)
        lines.append(
            check_start(
                model,
                unwrap_state_dict(content, ema=False).state_dict,
                source=f'checkpoint {path}',
                whole=bool(cfg.get('resume')),
            )
        )
    return lines


def _check_pretrained(backbone: BaseModule, options: dict, trust: bool) -> str:
    path, prefix, name = options['checkpoint'], options.get('prefix'), type(backbone).__name__
    if '://' in path:
        return f'{path}: read when training starts'
    if isinstance(backbone, StagedBackbone):
        with warnings.catch_warnings():
            # torch warns for each key that loading into a meta tensor has no effect
            warnings.simplefilter('ignore')
            load_pretrained(backbone, path, prefix)
        count = len(backbone.state_dict())
        return f'{path}: {count} of {count} keys of {name} matched'
    content = read_checkpoint(path, map_location='meta', trust=trust)
    if type(backbone).init_weights is not BaseModule.init_weights:
        return f'{path}: {name} selects what it can use'
    # mmengine loads the keys that match, even if none do
    state = entries_below(unwrap_state_dict(content).state_dict, prefix or '')
    wanted = backbone.state_dict()
    matched = len(wanted.keys() & state.keys()) - len(misshapen_keys(backbone, state))
    if not matched:
        raise InputError(
            f'checkpoint {path} does not fit {name}: 0 of {len(wanted)} keys matched; '
            f'it has {", ".join(list(state)[:3]) or "no keys with this prefix"}. Give a checkpoint '
            'of the same network, or set the prefix of its keys.'
        )
    return f'{path}: {matched} of {len(wanted)} keys of {name} matched'
