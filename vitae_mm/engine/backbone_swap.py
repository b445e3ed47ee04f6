"""Replacing the backbone in a config of any codebase."""

import copy
import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import MODELS
from torch import Tensor

from vitae_mm.backbones import StagedBackbone
from vitae_mm.errors import InputError

from .config import iter_dicts, type_name

RGB = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True)
"""Normalization of images that the published weights expect."""
NOT_HEADS = ('backbone', 'neck', 'data_preprocessor', 'train_cfg', 'test_cfg')
PLAIN_FPN = {'type', 'in_channels', 'out_channels', 'num_outs'}
SIZE = 256
"""Side of the image with which strides are measured; a multiple of all of them."""


@dataclass(frozen=True)
class Maps:
    """Channels and strides of feature maps."""

    channels: list[int]
    strides: list[int]

    @property
    def dilated(self) -> bool:
        return len(set(self.strides)) < len(self.strides)


def replace_backbone(config: str | Path | Config | Mapping, backbone: Mapping) -> ConfigDict:
    """Returns the ``model`` settings of a config with another backbone, one of this package.

    The numbers of channels in neck and heads are adapted; both backbones are built to measure
    them. The new backbone returns maps of the same strides as the old one or, if that has dilated
    stages, of the same ``out_indices``. Its other options are the given ones: frozen stages, norms
    and weights of the old one are dropped.

    A backbone with one scale (ViTAE, CeiT) gets a ``vitae_mm.SimpleFeaturePyramid`` where four
    scales are needed; it takes the place of a plain FPN. Images that were normalized in BGR order
    (Caffe's ResNets) are normalized as the published weights expect; all others as before.

    Args:
        config: Config of mmdet, mmseg, mmpose or mmpretrain: a file, a name such as
            ``'mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py'``, a loaded config, or ``_base_``
            inside a config file.
        backbone: Options of the new backbone, with its ``type``. ``out_indices`` is only needed to
            choose other maps.

    Returns:
        All settings of the model, to be merged by mmengine into those of ``config``: in a config
        file that inherits from it, or by ``Config.merge_from_dict``.

    Raises:
        InputError: If the backbone does not have the scales that the model needs, or if its
            channels have no place in the model.

    Example:
        A config file, in which ``_base_`` must come before the import:

        >>> _base_ = 'mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py'
        >>> from vitae_mm.engine.backbone_swap import replace_backbone
        >>> model = replace_backbone(_base_, dict(type='vitae_mm.ViTAEv2', arch='small'))
    """
    if isinstance(config, (str, Path)):
        base = str(config) if '::' in str(config) else str(Path(config).resolve())
        # fromfile knows no names of other packages, _base_ does
        config = Config.fromstring(f'_base_ = {base!r}', '.py')
    model = inner = copy.deepcopy(ConfigDict(config['model']))
    while 'backbone' not in inner and 'detector' in inner:  # of trackers and semi-supervision
        inner = inner.detector
    if 'type' not in inner.get('backbone', {}):
        raise InputError(f'{type_name(model)} has no backbone: there is nothing to replace.')
    scope = model.get('_scope_') or config.get('default_scope')
    with MODELS.switch_scope_and_registry(scope):
        _replace(inner, ConfigDict(backbone))
    for part in (model, inner):
        if any(type_name(init) == 'Pretrained' for init in iter_dicts(part.get('init_cfg'))):
            part.init_cfg = None  # the weights of all parts, with the old backbone
        for node in walk(part.get('data_preprocessor')):
            if 'mean' in node and not node.get('bgr_to_rgb', node.get('to_rgb')):
                node.update(RGB)
    return model


def _replace(model: ConfigDict, options: ConfigDict) -> None:
    """Replaces the backbone of a model that has one, and adapts neck and heads."""
    old_options, necks = model.backbone, list(iter_dicts(model.get('neck')))
    heads = [part for name, part in model.items() if name not in NOT_HEADS]
    if any(type_name(node) == 'ResLayer' for node in walk(heads)):
        raise InputError(
            f'{type_name(model)} has the last stage of a ResNet in its head, whose channels are '
            'fixed: start from a config with a neck, such as FPN.'
        )
    if old_options.get('pretrained') is True:  # timm would download weights
        old_options.pretrained = False
    old = _measure(old_options)
    options, new = _choose_maps(options, old_options, old)
    # such necks (pooling, joint upsampling) leave the channels of some maps as they are
    before = _measure(old_options, *necks) if necks and 'out_channels' not in necks[0] else None
    pyramid = []
    if len(new.strides) == 1 < len(old.strides) and _takes_neck(model):
        pyramid = [ConfigDict(type='vitae_mm.SimpleFeaturePyramid', in_channels=new.channels[0])]
        new = _measure(options, *pyramid)
    fixed = len(old.strides) > 1 or _fixes_stride(necks, heads)
    if len(new.strides) != len(old.strides) or (
        fixed and not old.dilated and new.strides != old.strides
    ):
        name = f'{type_name(options)}{" with SimpleFeaturePyramid" if pyramid else ""}'
        raise InputError(
            f'{type_name(model)} takes maps of strides {old.strides}, but {name} has '
            f'{new.strides}: use a backbone with these scales (ViTAEv2 has 4, 8, 16 and 32), or '
            'start from a config whose neck or head takes those.'
        )
    changed = _adapt(necks[:1] or heads, old, new)
    if before:
        after = _measure(options, *pyramid, *necks)
        # pooling of a fixed size leaves more than one value of a channel of other images
        changed += _adapt(heads, before, after) or _adapt(heads, old, new)
    if not changed and old.channels != new.channels:
        raise InputError(
            f'{type_name(model)}: neither neck nor heads have the in_channels of '
            f'{type_name(old_options)}, {old.channels}: set those of {type_name(options)}, '
            f'{new.channels}, in the config.'
        )
    if pyramid:
        if [set(neck) - {'_scope_'} for neck in necks] == [PLAIN_FPN]:
            pyramid[0].update(out_channels=necks[0].out_channels, num_outs=necks.pop().num_outs)
        necks = pyramid + necks
        if len(necks) == 1 and 'neck' in model:
            necks[0]._delete_ = True
        model.neck = necks if len(necks) > 1 else necks[0]
    model.backbone = ConfigDict(options, _delete_=True)
    if 'pretrained' in model:
        model.pretrained = None


def _choose_maps(
    options: ConfigDict, old_options: ConfigDict, old: Maps
) -> tuple[ConfigDict, Maps]:
    """Adds the ``out_indices`` of maps with the old strides to a backbone with several scales, and
    measures its maps."""
    if not issubclass(_find_class(options), StagedBackbone):
        raise InputError(f'{type_name(options)} is not a backbone of vitae_mm.')
    with torch.device('meta'):
        scales = [i for i, depth in enumerate(_build(options).depths) if depth]
    if 'out_indices' in options or len(scales) == 1:
        return options, _measure(options)
    if old.dilated:
        indices = old_options.get('out_indices', range(len(old.strides)))
        options = ConfigDict(options, out_indices=list(indices))
        return options, _measure(options)
    maps = _measure(ConfigDict(options, out_indices=scales))
    places = [maps.strides.index(stride) for stride in old.strides if stride in maps.strides]
    if len(places) == len(old.strides):
        maps = Maps([maps.channels[i] for i in places], old.strides)
        scales = [scales[i] for i in places]
    return ConfigDict(options, out_indices=scales), maps


def _fixes_stride(necks: list, heads: list) -> bool:
    """Whether a single map must have a certain stride: for the anchors, for the size of a pose
    estimator's heatmaps, or because the neck pools a window of a fixed size."""
    if any('kernel_size' in neck and 'out_channels' not in neck for neck in necks):
        return True
    return any('strides' in node or ('decoder' in node and not necks) for node in walk(heads))


def _takes_neck(model: ConfigDict) -> bool:
    parameters = inspect.signature(_find_class(model)).parameters
    return 'neck' in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _find_class(options: ConfigDict) -> type:
    if not isinstance(options.type, str):
        return options.type
    with MODELS.switch_scope_and_registry(None) as registry:  # of the current scope
        return registry.get(options.type)


def _adapt(node: object, old: Maps, new: Maps) -> int:
    """Replaces the channels of maps in the options of necks or heads, and returns how many."""
    count = 0
    for part in walk(node):
        places = dict(in_channels=part.get('in_index', -1), c1_in_channels=0)
        if 'roi_layer' in part:
            places['out_channels'] = -1
        for name, place in places.items():
            value = part.get(name)
            if isinstance(value, int) and isinstance(place, int):
                if value == old.channels[place]:
                    part[name] = new.channels[place]
                    count += 1
            elif isinstance(value, (list, tuple)):
                indices = range(len(old.channels)) if isinstance(place, int) else place
                if list(value) == [old.channels[i] for i in indices]:
                    part[name] = type(value)(new.channels[i] for i in indices)
                    count += 1
    return count


def _measure(*parts: ConfigDict) -> Maps:
    """Returns the maps of a backbone, or of necks after it."""
    try:
        with torch.device('meta'):
            outputs = _run(parts)
    except (RuntimeError, TypeError):  # an operator that needs values
        outputs = _run(parts)
    # some layers round sizes up
    strides = [2 ** round(math.log2(SIZE / x.shape[-1])) for x in outputs]
    return Maps([x.shape[1] for x in outputs], strides)


@torch.no_grad()
def _run(parts: Sequence[ConfigDict]) -> list[Tensor]:
    """Runs a backbone, and necks after it, on an image."""
    outputs: object = torch.zeros(1, 3, SIZE, SIZE)
    for part in parts:
        module = _build(part)
        module.eval()  # mmdet's ResNet returns None here
        outputs = module(outputs)
    outputs = [outputs] if isinstance(outputs, Tensor) else outputs
    if not isinstance(outputs, (list, tuple)) or not all(isinstance(x, Tensor) for x in outputs):
        raise InputError(
            f'{type_name(parts[0])} returns more than feature maps: it cannot be replaced.'
        )
    return list(outputs)


def _build(options: ConfigDict) -> Any:
    return MODELS.build(copy.deepcopy(options))


def walk(node: object) -> Iterator[ConfigDict]:
    """Yields all dicts in a dict or list, the outermost first."""
    for part in iter_dicts(node):
        yield part
        for value in part.values():
            yield from walk(value)
