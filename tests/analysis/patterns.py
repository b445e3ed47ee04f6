"""Small classifiers, and images with a pattern for each class."""

import torch
from mmengine.config import Config
from torch.nn import functional as F

from vitae_mm.analysis.classifiers import PixelClassifier, Samples
from vitae_mm.engine.models import build_model

from ..helpers.archs import classifier_out_type

MEAN, STD = [120.0, 110.0, 100.0], [60.0, 55.0, 50.0]


def make_classifier(network, arch, bgr=False, **options):
    torch.manual_seed(0)
    backbone = dict(
        type=f'vitae_mm.{network.__name__}', arch=arch, out_type=classifier_out_type(network)
    )
    cfg = Config(
        dict(
            default_scope='mmpretrain',
            model=dict(
                type='ImageClassifier',
                backbone=backbone | options,
                head=dict(type='LinearClsHead', num_classes=4, in_channels=arch['dims'][-1]),
                data_preprocessor=dict(mean=MEAN, std=STD, to_rgb=bgr),
            ),
        )
    )
    model = build_model(cfg)
    for module in model.modules():  # as if trained
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
    model.cfg = cfg
    return PixelClassifier(model)


def make_samples(count, seed):
    """Noise over a faint pattern for each of four classes."""
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(9))
    labels = torch.arange(count) % 4
    noise = torch.randn(count, 3, 32, 32, generator=generator)
    pixels = 128 + 25 * noise + 12 * F.interpolate(patterns, scale_factor=4)[labels]
    return Samples(pixels.clamp(0, 255).to(torch.uint8), labels)
