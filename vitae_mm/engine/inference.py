"""What makes a trained network faster, and leaves its outputs."""

import copy

import torch
from mmcv.cnn import fuse_conv_bn
from torch import nn

NARROW = 4
"""Output channels of the groups that a CPU computes faster in pairs: they
leave half of a vector register empty."""


def fuse_for_inference(model: nn.Module, pair_groups: bool = True) -> nn.Module:
    """Folds batch norms into the convs before them and, on a CPU, takes groups
    of four output channels in pairs, in place.

    Args:
        model: In eval mode; of any codebase.
        pair_groups: False leaves groups as they are, for other runtimes.
            Defaults to True.

    Returns:
        The model. It is not to be trained any more, and its state dict is no
        longer that of a checkpoint.
    """
    _separate_convs(model)
    model = fuse_conv_bn(model)
    for module in model.modules() if pair_groups else ():
        if isinstance(module, nn.Conv2d) and _is_narrow(module):
            _pair_groups(module)
    return model


def _separate_convs(model: nn.Module) -> None:
    """Gives every module a conv of its own where several share one, as heads
    of detectors do over scales, each with its own batch norm."""
    seen = set()
    for owner in model.modules():
        for name, child in list(owner._modules.items()):
            if isinstance(child, nn.Conv2d):
                if child in seen:
                    setattr(owner, name, copy.deepcopy(child))
                seen.add(child)


def compile_backbone(backbone: nn.Module) -> None:
    """Compiles a network in place, anew for every size of images."""
    backbone.compile(dynamic=False)


def _is_narrow(conv: nn.Conv2d) -> bool:
    return (
        conv.weight.device.type == 'cpu'
        and conv.groups % 2 == 0
        and conv.out_channels == NARROW * conv.groups
    )


def _pair_groups(conv: nn.Conv2d) -> None:
    """Half as many groups, with zeros where a channel sees those of its neighbour."""
    # (G * 4, C / G, k, k) -> 2 x (G / 2, 4, C / G, k, k)
    first, second = conv.weight.detach().unflatten(0, (conv.groups // 2, 2, NARROW)).unbind(1)
    none = torch.zeros_like(first)
    pairs = [torch.cat((first, none), dim=2), torch.cat((none, second), dim=2)]
    # -> (G / 2, 2, 4, 2 * C / G, k, k) -> (G * 4, 2 * C / G, k, k)
    weight = torch.stack(pairs, dim=1).flatten(0, 2)
    conv.weight = nn.Parameter(weight, requires_grad=conv.weight.requires_grad)
    conv.groups //= 2
