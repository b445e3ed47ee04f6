"""What can be measured: networks of configs, and of timm."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hub import get_config
from torch import Tensor, nn
from torch.nn import functional as F

from vitae_mm.engine.config import load_config
from vitae_mm.engine.models import build_model
from vitae_mm.engine.packages import require_package
from vitae_mm.errors import InputError

TIMM = 'timm:'


@dataclass(frozen=True)
class Network:
    """A network and its passes.

    Attributes:
        name: For tables.
        model: All of it.
        core: The part that is compiled: the backbone, where there is one.
        predict: Images (B, C, H, W) -> what it puts out.
        loss: Images -> a number to train on.
        countable: Whether ``model`` on images computes what ``predict`` does, so that its
            multiply-adds can be counted.
    """

    name: str
    model: nn.Module
    core: nn.Module
    predict: Callable[[Tensor], object]
    loss: Callable[[Tensor], Tensor]
    countable: bool = True


def load_network(spec: str, name: str | None = None) -> Network:
    """A network with random weights, in eval mode.

    Args:
        spec: A config file, a config of an installed codebase
            (``mmpretrain::swin_transformer/swin-tiny_16xb64_in1k.py``) or a
            model of timm (``timm:convnext_tiny``). Of models other than
            classifiers and masked autoencoders the backbone is taken.
        name: For tables. Defaults to the last part of ``spec``.

    Raises:
        InputError: If there is no such network.
    """
    if spec.startswith(TIMM):
        return _of_timm(spec.removeprefix(TIMM), name)
    return _of_config(_read(spec), name or Path(spec).stem)


def _read(spec: str) -> Config:
    if '::' not in spec:
        return load_config(spec)
    try:
        return get_config(spec)
    except (
        FileNotFoundError,
        ImportError,
        OSError,
        ValueError,
        RuntimeError,
        AssertionError,
    ) as error:
        raise InputError(
            f'config {spec} is not installed ({error}): give PACKAGE::FILE as the '
            'package has it, as in '
            'mmpretrain::swin_transformer/swin-tiny_16xb64_in1k.py.'
        ) from error


def _of_timm(model_name: str, name: str | None) -> Network:
    timm = require_package('timm', f'{TIMM}{model_name} needs the package timm')
    if not timm.is_model(model_name):
        similar = get_close_matches(model_name, timm.list_models(), n=8)
        raise InputError(f'{TIMM}{model_name}: timm has no such model; similar names: {similar}.')
    model = timm.create_model(model_name).eval()
    return Network(name or model_name, model, model, model, lambda x: _cross_entropy(model(x)))


def _of_config(cfg: Config, name: str) -> Network:
    model = build_model(cfg)
    if cfg.get('default_scope') != 'mmpretrain':
        backbone = model.backbone
        return Network(name, backbone, backbone, backbone, lambda x: _mean_square(backbone(x)))
    from mmpretrain.models import BaseClassifier

    if isinstance(model, BaseClassifier):
        return Network(name, model, model.backbone, model, lambda x: _cross_entropy(model(x)))

    def loss(images: Tensor) -> Tensor:
        return model(images, None, mode='loss')['loss']

    # a masked autoencoder predicts nothing beside its loss
    return Network(name, model, model.backbone, loss, loss, countable=False)


def _cross_entropy(logits: Tensor) -> Tensor:
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device))


def _mean_square(maps: tuple[Tensor, ...]) -> Tensor:
    return sum(features.float().square().mean() for features in maps)
