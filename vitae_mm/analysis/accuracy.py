"""Classifiers of pixels, and which images they get right."""

import copy

import torch
from mmengine.config import Config
from mmpretrain.models import BaseClassifier
from torch import Tensor, nn

from vitae_mm.engine.models import load_model, prepare_config
from vitae_mm.errors import InputError

from .samples import loads_bgr


class PixelClassifier(nn.Module):
    """Takes pixels in [0, 1], so that a change of an image is measured in pixels.

    Args:
        model: Classifier of mmpretrain, in eval mode. Its data preprocessor
            normalises.
        bgr: Whether it takes images in BGR. Defaults to False.
    """

    def __init__(self, model: BaseClassifier, bgr: bool = False):
        super().__init__()
        self.model = model
        self.bgr = bgr

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def forward(self, images: Tensor) -> Tensor:
        """
        Args:
            images: In RGB, [0, 1], (B, C, H, W).

        Returns:
            Logits, (B, classes).
        """
        pixels = 255 * (images.flip(1) if self.bgr else images)
        inputs = self.model.data_preprocessor(dict(inputs=pixels))['inputs']
        return self.model(inputs, mode='tensor')


def load_classifier(
    cfg: Config, checkpoint: str, device: str = 'cpu', trust: bool = False
) -> PixelClassifier:
    """A config's classifier with trained weights, which get no gradients.

    Args:
        cfg: Of mmpretrain; not changed.
        checkpoint: Must have every key of the model.
        device: As torch names it.
        trust: Unpickle anything in the checkpoint. Defaults to False.

    Raises:
        InputError: If the config is of no classifier, or the checkpoint does
            not fit.
    """
    scope = cfg.get('default_scope')
    if scope != 'mmpretrain':
        raise InputError(
            f'default_scope {scope!r} of the config: only classifiers of mmpretrain '
            'are measured; give a config of configs/cls/.'
        )
    bare = copy.deepcopy(cfg)
    prepare_config(bare)
    model = load_model(bare, checkpoint, device, trust)
    if not isinstance(model, BaseClassifier) or getattr(model, 'head', model) is None:
        raise InputError(
            f'model type {type(model).__name__} of the config is no classifier with '
            'a head: give a config of configs/cls/.'
        )
    return PixelClassifier(model, loads_bgr(cfg)).eval().requires_grad_(False)


@torch.no_grad()
def is_right(classifier: PixelClassifier, images: Tensor, labels: Tensor, batch: int) -> Tensor:
    """Which images are classified rightly.

    Args:
        images: (N, C, H, W) uint8, in RGB.
        labels: (N, ).
        batch: How many go through the network at once.

    Returns:
        (N, ) bool.
    """
    classes = [
        classifier(to_pixels(part, classifier.device)).argmax(1).cpu()
        for part in images.split(batch)
    ]
    return torch.cat(classes) == labels


def to_pixels(images: Tensor, device: torch.device) -> Tensor:
    """uint8 -> float in [0, 1], on the device."""
    return images.to(device).float() / 255
