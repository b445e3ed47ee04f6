"""Some images of a classifier's test set, as pixels."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from mmengine.config import Config
from torch import Tensor

from vitae_mm.errors import InputError
from vitae_mm.export import describe

from .inputs import open_images
from .seeding import choose


@dataclass(frozen=True)
class Samples:
    """Images with one class each.

    Attributes:
        images: After the test pipeline, (N, C, H, W) uint8, in RGB.
        labels: (N, ).
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def read_samples(cfg: Config, count: int, seed: int = 0) -> Samples:
    """Reads images of the config's test set, chosen at random.

    With the same seed, fewer are the first of more.

    Args:
        cfg: Of a classifier of mmpretrain.
        count: How many; all if there are not so many.
        seed: Another seed chooses other images. Defaults to 0.

    Raises:
        InputError: If there are no images, some without exactly one class,
            or of several sizes; or if the pipeline leaves no bytes.
    """
    dataset = open_images(cfg)
    items = [dataset[index] for index in choose(len(dataset), count, seed)]
    images = _stack([item['inputs'] for item in items])
    labels = torch.cat([_label(item) for item in items])
    return Samples(images.flip(1) if loads_bgr(cfg) else images, labels)


def loads_bgr(cfg: Config) -> bool:
    """Whether the test pipeline gives images in BGR."""
    options = cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor') or {}
    # the order that is known is the one after turning
    return bool(options.get('to_rgb')) or describe(cfg, None).get('channels') == 'BGR'


def _stack(images: list[Tensor]) -> Tensor:
    sizes = sorted({tuple(image.shape[1:]) for image in images})
    if len(sizes) > 1:
        raise InputError(
            f'test_dataloader: images have {len(sizes)} sizes after the pipeline, '
            f'{sizes[0]} and {sizes[1]} are two: add CenterCrop, or Resize to one '
            'scale.'
        )
    if images[0].dtype != torch.uint8:
        raise InputError(
            f'test_dataloader: images are {images[0].dtype} after the pipeline, and '
            'not bytes from 0 to 255: leave normalisation to data_preprocessor.'
        )
    return torch.stack(images)


def _label(item: Mapping) -> Tensor:
    """Class of an image, (1, )."""
    label = item['data_samples'].get('gt_label')
    if label is None or label.numel() != 1:
        found = 'no class' if label is None else f'{label.numel()} classes'
        raise InputError(
            f'test_dataloader: an image has {found}: accuracy needs a test set with '
            'one class an image; a CustomDataset has them with one folder a class '
            'and with_label=True.'
        )
    return label
