"""Networks to measure, from configs and from timm."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.model import BaseModel
from torch import Tensor, nn
from torch.nn import functional as F

from vitae_mm.engine.config import load_config
from vitae_mm.engine.models import build_model
from vitae_mm.engine.packages import require_package
from vitae_mm.errors import InputError
from vitae_mm.hub import PREFIX

TIMM = 'timm:'


@dataclass(frozen=True)
class Network:
    """A network and its computations.

    Attributes:
        name: Name in tables.
        model: The whole network.
        core: The part to compile: the backbone, if there is one.
        loss: Function from images (B, C, H, W) to a scalar loss.
        predict: Function from images to outputs. Defaults to the model itself, whose
            multiply-adds can then be counted.
    """

    name: str
    model: nn.Module
    core: nn.Module
    loss: Callable[[Tensor], Tensor]
    predict: Callable[[Tensor], object] | None = None


def load_network(spec: str, name: str | None = None, changes: dict | None = None) -> Network:
    """Builds a network with random weights, in eval mode.

    Args:
        spec: A config file, a config of an installed codebase
            (``mmpretrain::swin_transformer/swin-tiny_16xb64_in1k.py``) or a model of timm
            (``timm:convnext_tiny``). Only the backbone is used of models other than classifiers
            and masked autoencoders.
        name: Name in tables. Defaults to the last part of ``spec``.
        changes: Overrides of entries of a config file, by their path.

    Raises:
        InputError: If there is no such network.
    """
    if spec.startswith(TIMM):
        timm = require_package('timm', f'{spec} needs the package timm')
        timm_name = spec.removeprefix(TIMM)
        if not timm.is_model(timm_name):
            similar = get_close_matches(timm_name, timm.list_models(), n=8)
            raise InputError(
                f'{spec}: timm has no such model; choose, for example, from {similar}.'
            )
        net = timm.create_model(timm_name).eval()
        return Network(name or timm_name, net, core=net, loss=partial(_class_loss, net))
    cfg, name = _read_config(spec, changes), name or Path(spec).stem
    model: BaseModel = build_model(cfg)
    backbone = model.backbone
    if cfg.get('default_scope') != 'mmpretrain':
        return Network(name, backbone, core=backbone, loss=partial(_map_loss, backbone))
    from mmpretrain.models import BaseClassifier  # other codebases work without it

    if isinstance(model, BaseClassifier):
        return Network(name, model, core=backbone, loss=partial(_class_loss, model))

    def loss(images: Tensor) -> Tensor:
        return model(images, None, mode='loss')['loss']

    # a masked autoencoder has no predictions besides its loss
    return Network(name, model, core=backbone, loss=loss, predict=loss)


def _read_config(spec: str, changes: dict | None) -> Config:
    if '::' not in spec or spec.startswith(PREFIX):
        return load_config(spec, changes)
    try:
        return get_config(spec)
    except (ImportError, OSError, ValueError, RuntimeError, AssertionError) as error:
        raise InputError(
            f'config {spec} is not installed ({error}): give PACKAGE::FILE as in the package, '
            'e.g. mmpretrain::swin_transformer/swin-tiny_16xb64_in1k.py.'
        ) from error


def _class_loss(model: nn.Module, images: Tensor) -> Tensor:
    labels = torch.zeros(len(images), dtype=torch.long, device=images.device)
    return F.cross_entropy(model(images), labels)


def _map_loss(backbone: nn.Module, images: Tensor) -> Tensor:
    return torch.stack([maps.float().square().mean() for maps in backbone(images)]).sum()
