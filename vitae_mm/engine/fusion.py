"""Fusing layers for faster inference with the same outputs."""

import copy

import torch
from mmcv.cnn import fuse_conv_bn
from torch import nn

NARROW = 4
"""Output channels per group that fill only half a vector register of a CPU; a pair of such groups
is faster as a single group."""


def fuse_for_inference(model: nn.Module, pair_groups: bool = True) -> nn.Module:
    """Folds batch norms into the preceding convs and, on CPUs, merges pairs of groups with four
    output channels each, in place.

    Args:
        model: A model of any codebase, in eval mode.
        pair_groups: Merge pairs of narrow groups; disable it for other runtimes than PyTorch.
            Defaults to True.

    Returns:
        The model. It can no longer be trained, and its state dict no longer fits a checkpoint.
    """
    _unshare_convs(model)
    model = fuse_conv_bn(model)
    for module in model.modules() if pair_groups else ():
        if (
            isinstance(module, nn.Conv2d)
            and module.weight.device.type == 'cpu'
            and module.groups % 2 == 0
            and module.out_channels == NARROW * module.groups
        ):
            _pair_groups(module)
    return model


def _unshare_convs(model: nn.Module) -> None:
    """Copies convs that are shared, but followed by different batch norms, as in detection heads
    that share convs across scales."""
    seen = set()
    for owner in model.modules():
        for name, child in list(owner._modules.items()):
            if isinstance(child, nn.Conv2d):
                if child in seen:
                    setattr(owner, name, copy.deepcopy(child))
                seen.add(child)


def _pair_groups(conv: nn.Conv2d) -> None:
    """Merges pairs of groups, with zero weights between the two groups of a pair."""
    # (G * 4, C / G, k, k) -> 2 x (G / 2, 4, C / G, k, k)
    first, second = conv.weight.detach().unflatten(0, (conv.groups // 2, 2, NARROW)).unbind(1)
    zeros = torch.zeros_like(first)
    pairs = [torch.cat((first, zeros), dim=2), torch.cat((zeros, second), dim=2)]
    # -> (G / 2, 2, 4, 2 * C / G, k, k) -> (G * 4, 2 * C / G, k, k)
    weight = torch.stack(pairs, dim=1).flatten(0, 2)
    conv.weight = nn.Parameter(weight, requires_grad=conv.weight.requires_grad)
    conv.groups //= 2
