"""What convolutions do differently on each type of device."""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class ConvChoices(NamedTuple):
    """Choices for convolutions on a type of device.

    Attributes:
        dense: Memory format of maps and weights of convolutions without groups.
        grouped: The same for convolutions with groups.
        recompute: Whether training recomputes the norms and activations between parallel
            convolutions by default.
    """

    dense: torch.memory_format
    grouped: torch.memory_format
    recompute: bool


CHOICES = {
    # oneDNN takes channels_last maps as they are; recomputing costs no measurable time
    'cpu': ConvChoices(torch.channels_last, torch.channels_last, recompute=True),
    # cuDNN's channels_last kernels are slow for many groups; recomputing was not measured yet
    'cuda': ConvChoices(torch.channels_last, torch.contiguous_format, recompute=False),
}
"""Choices by type of device."""


def conv_choices(device: torch.device) -> ConvChoices:
    """Returns the choices for a device; those of unknown types are the choices for CPUs."""
    return CHOICES.get(device.type, CHOICES['cpu'])


def conv_format(device: torch.device, groups: int) -> torch.memory_format:
    """Returns the memory format for convolutions with a number of groups."""
    choices = conv_choices(device)
    return choices.dense if groups == 1 else choices.grouped


def to_conv(x: Tensor, groups: int = 1) -> Tensor:
    """Prepares a map (B, H, W, C) for convolutions: (B, C, H, W) in their memory format.

    In channels_last format, this is a view.
    """
    x = x.permute(0, 3, 1, 2)
    chosen = conv_format(x.device, groups)
    return x if chosen == torch.channels_last else x.contiguous(memory_format=chosen)


def from_conv(x: Tensor) -> Tensor:
    """Views the output of a convolution (B, C, H, W) as a map (B, H, W, C)."""
    return x.permute(0, 2, 3, 1)


def format_weights(module: nn.Module) -> None:
    """Gives the weights of convolutions on GPUs the memory format of their maps. Otherwise, cuDNN
    would copy the weights into that format in every pass."""
    for conv in module.modules():
        if not isinstance(conv, nn.Conv2d):
            continue
        # FSDP takes the weights out of their modules, or shards them to one dimension
        weight = conv._parameters.get('weight')
        if weight is not None and weight.is_cuda and weight.ndim == 4:
            chosen = conv_format(weight.device, conv.groups)
            weight.data = weight.data.contiguous(memory_format=chosen)
