"""Classifiers of pixels, their test images, and which of these are classified correctly."""

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
    """A classifier whose input are pixels in [0, 1], so that changes are measured in pixels.

    Args:
        model: Classifier of mmpretrain, with its config as ``cfg``. Its data preprocessor
            normalizes. Gradients of its parameters are disabled.

    Raises:
        InputError: If it is not a classifier with a head.
    """

    def __init__(self, model: BaseModel):
        super().__init__()
        if not isinstance(model, BaseClassifier) or not model.with_head:
            raise InputError(
                f'{type(model).__name__} of the config, whose default_scope is '
                f'{model.cfg.get("default_scope")!r}, is not a classifier with a head: only '
                'classifiers of mmpretrain are supported; give a config of configs/cls/.'
            )
        self.model = model.eval().requires_grad_(False)
        self.bgr = loads_bgr(model.cfg)

    def forward(self, images: Tensor) -> Tensor:
        """Returns the logits (B, classes) of RGB images (B, C, H, W) in [0, 1], on any device."""
        pixels = 255 * (images.flip(1) if self.bgr else images)
        inputs = self.model.data_preprocessor(dict(inputs=pixels))['inputs']
        return self.model(inputs, mode='tensor')


class Samples(NamedTuple):
    """Images after the test pipeline, (N, C, H, W) RGB uint8, and their classes, (N,)."""

    images: Tensor
    labels: Tensor


def read_samples(cfg: Config, count: int, seed: int = 0) -> Samples:
    """Reads random images of the config's test set.

    Args:
        cfg: Config of a classifier of mmpretrain.
        count: Number of images; all are read if there are fewer. With the same seed, a smaller
            count gives the first images of a larger one.
        seed: Selects the images. Defaults to 0.

    Raises:
        InputError: If there are no images, if an image does not have exactly one class, or if the
            pipeline gives several sizes or not uint8.
    """
    items = [read() for read in choose(dataset_readers(cfg), count, seed)]
    images, labels = [item['inputs'] for item in items], []
    for sample in (item['data_samples'] for item in items):
        label = sample.get('gt_label')
        if label is None or label.numel() != 1:
            found = 'no class' if label is None else f'{label.numel()} classes'
            raise InputError(
                f'test_dataloader: an image has {found}: accuracy needs a test set with one class '
                'per image, such as a CustomDataset of one folder per class with with_label=True.'
            )
        labels.append(label)
    sizes = sorted({tuple(image.shape[1:]) for image in images})
    if len(sizes) > 1:
        raise InputError(
            f'test_dataloader: images have {len(sizes)} sizes after the pipeline, such as '
            f'{sizes[0]} and {sizes[1]}: add CenterCrop, or Resize to one scale.'
        )
    if images[0].dtype != torch.uint8:
        raise InputError(
            f'test_dataloader: images are {images[0].dtype} after the pipeline, not uint8: '
            'normalize in the data_preprocessor instead.'
        )
    stack = torch.stack(images)
    return Samples(stack.flip(1) if loads_bgr(cfg) else stack, torch.cat(labels))


def loads_bgr(cfg: Config) -> bool:
    """Tells whether the test pipeline gives images in BGR."""
    options = cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor') or {}
    # describe() gives the order after conversion
    return bool(options.get('to_rgb')) or describe(cfg, None).get('channels') == 'BGR'


@torch.no_grad()
def is_right(classifier: PixelClassifier, samples: Samples, batch: int) -> Tensor:
    """Tells which images are classified correctly, (N,) bool, with ``batch`` images at a time."""
    device = next(classifier.parameters()).device
    logits = [classifier(part.to(device) / 255) for part in samples.images.split(batch)]
    return torch.cat(logits).argmax(1).cpu() == samples.labels
