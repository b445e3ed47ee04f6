"""Networks to measure, from configs and from timm."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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

PYRAMID_CHANNELS = 256


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


@dataclass(frozen=True)
class Source:
    """Where a network comes from.

    Attributes:
        name: Name in tables.
        spec: A config file, a config of an installed codebase
            (``mmpretrain::swin_transformer/swin-tiny_16xb64_in1k.py``) or a model of timm
            (``timm:convnext_tiny``). Only the backbone is used of models other than classifiers
            and masked autoencoders.
        changes: Overrides of entries of a config file, by their path.
        pyramid: Use the backbone of the config, followed by a feature pyramid. Defaults to False.
    """

    name: str
    spec: str
    changes: Mapping[str, object] = field(default_factory=dict)
    pyramid: bool = False


class _Pyramid(nn.Module):
    """A backbone and a feature pyramid: torchvision's, which needs no codebase for detection."""

    def __init__(self, backbone: nn.Module) -> None:
        from torchvision.ops import FeaturePyramidNetwork  # no other network needs it

        super().__init__()
        with torch.no_grad():
            maps = backbone(torch.zeros(1, 3, 64, 64))
        self.backbone = backbone
        self.neck = FeaturePyramidNetwork([x.shape[1] for x in maps], PYRAMID_CHANNELS)

    def forward(self, images: Tensor) -> list[Tensor]:
        maps = {str(i): x for i, x in enumerate(self.backbone(images))}
        return list(self.neck(maps).values())


def check_source(spec: str) -> None:
    """Raises InputError if there is no network of this name, without building it."""
    if not spec.startswith(TIMM):
        _read_config(spec, {})
        return
    timm = require_package('timm', f'{spec} needs the package timm')
    name = spec.removeprefix(TIMM)
    if not timm.is_model(name):
        similar = get_close_matches(name, timm.list_models(), n=8)
        raise InputError(f'{spec}: timm has no such model; choose, for example, from {similar}.')


def load_network(source: Source | str) -> Network:
    """Builds a network with random weights, in eval mode.

    Args:
        source: The network, or its ``spec`` alone, whose last part is then the name.

    Raises:
        InputError: If there is no such network.
    """
    if isinstance(source, str):
        source = Source(Path(source).stem, source)
    name, spec = source.name, source.spec
    if spec.startswith(TIMM):
        timm = require_package('timm', f'{spec} needs the package timm')
        net = timm.create_model(spec.removeprefix(TIMM)).eval()
        return Network(name, net, core=net, loss=partial(_class_loss, net))
    cfg = _read_config(spec, source.changes)
    model: BaseModel = build_model(cfg)
    backbone = model.backbone
    if source.pyramid or cfg.get('default_scope') != 'mmpretrain':
        net = _Pyramid(backbone) if source.pyramid else backbone
        return Network(name, net, core=backbone, loss=partial(_map_loss, net))
    from mmpretrain.models import BaseClassifier  # other codebases work without it

    if isinstance(model, BaseClassifier):
        return Network(name, model, core=backbone, loss=partial(_class_loss, model))

    def loss(images: Tensor) -> Tensor:
        return model(images, None, mode='loss')['loss']

    # a masked autoencoder has no predictions besides its loss
    return Network(name, model, core=backbone, loss=loss, predict=loss)


def _read_config(spec: str, changes: Mapping[str, object]) -> Config:
    if '::' not in spec or spec.startswith(PREFIX):
        return load_config(spec, dict(changes))
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


def _map_loss(net: nn.Module, images: Tensor) -> Tensor:
    return torch.stack([maps.float().square().mean() for maps in net(images)]).sum()
