"""Parameters and multiply-adds of a model."""
from collections.abc import Sequence

import torch
from mmengine.config import Config
from mmengine.registry import MODELS
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from vitae_mm.layers import PerformerAttention


def build_model(cfg: Config) -> nn.Module:
    """The model of a config of any of the codebases, in eval mode, with
    whatever weights its constructor leaves."""
    with MODELS.switch_scope_and_registry(cfg.get('default_scope')) as registry:
        return registry.build(cfg.model).eval()


def count_parameters(model: nn.Module) -> int:
    """Numbers in the parameters, and in the Performers' random features, which
    are not trained but counted by the papers."""
    features = sum(module.features.numel() for module in model.modules()
                   if isinstance(module, PerformerAttention))
    return sum(p.numel() for p in model.parameters()) + features


def count_macs(module: nn.Module, size: Sequence[int], in_channels: int = 3) -> int:
    """Multiply-adds of the convolutions, matrix products and attention for
    one image.

    Args:
        module: Takes images (B, C, H, W).
        size: Height and width of the image.
        in_channels: Its channels. Defaults to 3.
    """
    # the counter knows attention as its two matrix products, not as one CPU kernel
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(
            display=False) as counter:
        module(torch.zeros(1, in_channels, *size))
    # it counts two operations for each multiply-add
    return counter.get_total_flops() // 2
