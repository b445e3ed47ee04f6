"""Classifiers of pixels, the images they are tested on, and which of these they get right."""

from typing import NamedTuple

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmpretrain.models import BaseClassifier
from torch import Tensor, nn

from vitae_mm.errors import InputError
from vitae_mm.export import describe

from .loading import choose, dataset_readers


class PixelClassifier(nn.Module):
    """Takes pixels in [0, 1], so that a change of an image is measured in pixels.

    Args:
        model: Classifier of mmpretrain, with its config as ``cfg``. Its data preprocessor
            normalizes; its parameters get no gradients.

    Raises:
        InputError: If it is not a classifier with a head.
    """

    def __init__(self, model: BaseModel):
        super().__init__()
        if not isinstance(model, BaseClassifier) or not model.with_head:
            raise InputError(
                f'{type(model).__name__} of the config, whose default_scope is '
                f'{model.cfg.get("default_scope")!r}, is not a classifier with a head: only '
                'classifiers of mmpretrain are measured; give a config of configs/cls/.'
            )
        self.model = model.eval().requires_grad_(False)
        self.bgr = loads_bgr(model.cfg)

    def forward(self, images: Tensor) -> Tensor:
        """RGB images (B, C, H, W) in [0, 1], on any device -> logits (B, classes)."""
        pixels = 255 * (images.flip(1) if self.bgr else images)
        inputs = self.model.data_preprocessor(dict(inputs=pixels))['inputs']
        return self.model(inputs, mode='tensor')


class Samples(NamedTuple):
    """Images with one class each: (N, C, H, W) uint8 in RGB, after the test pipeline, and (N,)."""

    images: Tensor
    labels: Tensor


def read_samples(cfg: Config, count: int, seed: int = 0) -> Samples:
    """Reads random images of the config's test set.

    Args:
        cfg: Config of a classifier of mmpretrain.
        count: Number of images, or all if there are fewer. With the same seed, fewer images are
            the first of more.
        seed: Selects the images. Defaults to 0.

    Raises:
        InputError: If there are no images, if some do not have exactly one class, or if the
            pipeline gives several sizes or does not give bytes.
    """
    items = [read() for read in choose(dataset_readers(cfg), count, seed)]
    images, labels = [item['inputs'] for item in items], []
    for sample in (item['data_samples'] for item in items):
        label = sample.get('gt_label')
        if label is None or label.numel() != 1:
            found = 'no class' if label is None else f'{label.numel()} classes'
            raise InputError(
                f'test_dataloader: an image has {found}: accuracy needs a test set with one class '
                'per image; CustomDataset reads one folder per class with with_label=True.'
            )
        labels.append(label)
    sizes = sorted({tuple(image.shape[1:]) for image in images})
    if len(sizes) > 1:
        raise InputError(
            f'test_dataloader: images have {len(sizes)} sizes after the pipeline, among them '
            f'{sizes[0]} and {sizes[1]}: add CenterCrop, or Resize to one scale.'
        )
    if images[0].dtype != torch.uint8:
        raise InputError(
            f'test_dataloader: images are {images[0].dtype} after the pipeline, and not bytes '
            'from 0 to 255: leave normalization to data_preprocessor.'
        )
    stack = torch.stack(images)
    return Samples(stack.flip(1) if loads_bgr(cfg) else stack, torch.cat(labels))


def loads_bgr(cfg: Config) -> bool:
    """Whether the test pipeline gives images in BGR."""
    options = cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor') or {}
    # describe() tells the order after conversion
    return bool(options.get('to_rgb')) or describe(cfg, None).get('channels') == 'BGR'


@torch.no_grad()
def is_right(classifier: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Tensor:
    """Which images are classified correctly.

    Args:
        classifier: A :class:`PixelClassifier`.
        images: (N, C, H, W) uint8, in RGB.
        labels: (N,).
        batch: Number of images that go through the network at once.

    Returns:
        (N,) bool.
    """
    device = next(classifier.parameters()).device
    logits = [classifier(part.to(device) / 255) for part in images.split(batch)]
    return torch.cat(logits).argmax(1).cpu() == labels
