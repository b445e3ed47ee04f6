"""Building networks by name, for use in Python: ``vitae_mm.build``."""

import inspect
import os
from collections import OrderedDict
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from mmengine.config import Config
from mmengine.model import initialize
from torch import Tensor, nn

from . import backbones
from .backbones.backbone import DEFAULT_INIT
from .backbones.options import check_img_size, is_count
from .checkpoints import (
    BACKBONE_PREFIX,
    convert_state_dict,
    entries_below,
    has_own_names,
    identify_layout,
    load_state_dict,
    read_checkpoint,
    unwrap_state_dict,
)
from .errors import InputError
from .hub import FOLDER, list_models

PREPROCESSING = dict(
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    interpolation='bicubic',
    crop_pct=0.9,
    crop_mode='center',
)
"""How the configs for ImageNet prepare test images, RGB in [0, 1], in timm's words."""

REMEDY = 'Give a checkpoint of this network, or the name and options of that in the checkpoint.'


class Classifier(nn.Module):
    """A backbone and a linear layer, with the names of mmpretrain's ``ImageClassifier``.

    Args:
        backbone (nn.Module): Returns a tuple whose last entry is (B, D).
        in_channels (int): D.
        num_classes (int): 0 for no linear layer.
    """

    backbone: nn.Module
    head: nn.Sequential

    def __init__(self, backbone: nn.Module, in_channels: int, num_classes: int):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Sequential(
            OrderedDict(fc=nn.Linear(in_channels, num_classes)) if num_classes else OrderedDict()
        )

    def forward(self, x: Tensor) -> Tensor:
        """
        Args:
            x: Images, (B, C, H, W).

        Returns:
            Logits (B, num_classes), or features (B, D) if there is no linear layer.
        """
        return self.head(self.backbone(x)[-1])


def build(
    name: str,
    checkpoint: str | os.PathLike | None = None,
    *,
    out_indices: Sequence[int] | None = None,
    num_classes: int | None = None,
    new_head: bool = False,
    img_size: int | Sequence[int] = 224,
    **options: Any,
) -> nn.Module:
    """Builds a network in eval mode.

    It is a feature extractor: a tuple of maps (B, D, H', W') for images (B, 3, H, W) of any size.
    With ``num_classes``, it is a classifier.

    ``pretrained_cfg`` of the network tells how the configs for ImageNet prepare images: mean and
    std of RGB images in [0, 1], input size, crop and interpolation. The functions of ``timm.data``
    take it from the network.

    Args:
        name: One of :func:`vitae_mm.list_models`.
        checkpoint: File or http(s) address, PyTorch or safetensors: of this package (any model
            with this backbone, averaged weights first), or of the published network. Defaults to
            None, random weights.
        out_indices: Stages whose maps are returned, of strides 4, 8, 16, 32 in ViTAEv2. Defaults
            to all of ViTAEv2 and the last of other networks, as in the configs.
        num_classes: Number of classes of a classifier, which returns logits (B, num_classes);
            0 returns the features (B, D) that its linear layer would read. Defaults to None.
        new_head: Start with a random linear layer, whatever the checkpoint has. Defaults to False.
        img_size: Image size, as one number or height and width, that position embeddings are
            stored for. Defaults to 224.
        **options: Other options of the class of the network, such as ``drop_path_rate``,
            ``frozen_stages`` or ``with_cp``; by default as in the configs.

    Raises:
        InputError: If the name is unknown, an option is invalid, or the checkpoint does not fit.

    Example:
        >>> model = vitae_mm.build('vitaev2_s', 'vitaev2_s.pth', out_indices=(1, 2, 3))
        >>> [tuple(m.shape) for m in model(torch.rand(1, 3, 200, 333))]
        [(1, 128, 25, 42), (1, 256, 13, 21), (1, 512, 7, 11)]
    """
    if name not in list_models():
        names = get_close_matches(name, list_models()) or list_models()
        raise InputError(f'model {name!r} is unknown: choose from {", ".join(names)}.')
    height, width = check_img_size(img_size)
    parts = Config.fromfile(FOLDER / f'configs/_base_/backbones/{name}.py')
    if num_classes is None:
        chosen = dict(parts.backbone, **options)
        if out_indices is not None:
            chosen['out_indices'] = out_indices
    elif out_indices is not None:
        raise InputError(
            f'out_indices={out_indices!r} with num_classes={num_classes}: a classifier returns no '
            'maps; give one of them.'
        )
    elif num_classes != 0 and not is_count(num_classes):
        raise InputError(f'num_classes={num_classes!r}: give an integer, 0 or more.')
    else:
        chosen = dict(parts.classifier.backbone, **options)
    network = getattr(backbones, chosen.pop('type').rpartition('.')[2])
    if 'img_size' in inspect.signature(network).parameters:
        chosen['img_size'] = (height, width)
    model = backbone = network(**chosen)
    if num_classes is not None:
        model = Classifier(backbone, parts.classifier.head.in_channels, num_classes)
    if checkpoint is None:
        initialize(model, backbone.init_cfg)
    else:
        _load(model, checkpoint, num_classes=num_classes or 0, new_head=new_head)
    model.pretrained_cfg = dict(PREPROCESSING, input_size=(backbone.in_channels, height, width))
    return model.eval()


def _load(model: nn.Module, path: str | os.PathLike, *, num_classes: int, new_head: bool) -> None:
    """Loads a checkpoint strictly, in the names of this package or the published ones."""
    source = f'checkpoint {path}'
    state = unwrap_state_dict(read_checkpoint(path)).state_dict
    if not has_own_names(state):
        try:
            state = convert_state_dict(state, identify_layout(state))
        except InputError as error:
            raise InputError(f'{source}: {error}') from error
    own = entries_below(state, BACKBONE_PREFIX) or state
    if not isinstance(model, Classifier):
        load_state_dict(model, own, source, remedy=REMEDY)
        return
    load_state_dict(model.backbone, own, source, remedy=REMEDY)
    if new_head:
        initialize(model.head, DEFAULT_INIT)
    elif num_classes:
        head = entries_below(state, 'head')
        found = len(head['fc.weight']) if 'fc.weight' in head else 0
        if found != num_classes:
            raise InputError(
                f'{source} has {f"a classifier of {found} classes" if found else "no classifier"}: '
                f'give new_head=True to train a new one of {num_classes} classes'
                f'{f", or num_classes={found}" if found else ""}.'
            )
        load_state_dict(model.head, head, source, remedy=REMEDY)
