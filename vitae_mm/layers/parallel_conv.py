"""The convolution branch beside the attention of a cell."""

from collections import OrderedDict
from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitae_mm.compat import add_load_hook, is_compiling

from .checkpointing import recompute
from .devices import conv_choices, from_conv, to_conv

RECOMPUTED = (nn.BatchNorm2d, nn.GroupNorm, nn.SiLU)
"""Layers whose outputs are recomputed instead of stored. Outputs of other norms
are stored: SyncBatchNorm would gather the statistics of all processes twice."""


class ParallelConv(nn.Sequential):
    """Parallel convolution module (PCM): convolutions beside the attention.

    ViTAE, "Parallel convolutional module", applied to the cell's input before any
    LayerNorm: convolution, norm, SiLU for each of ``hidden_dims``, then a last
    convolution. With ``recompute``, training stores only the outputs of the convolutions
    and computes norms and SiLUs again in the backward pass: their outputs take most of
    the memory, and computing them takes little time. Loaded 1x1 kernels are inflated:
    see :func:`inflate_kernel`.

    Args:
        in_dim (int): Input channels (C_in).
        hidden_dims (Sequence[int]): Output channels of all convolutions except the last.
        dim (int): Output channels (D).
        groups (int): Groups of each convolution; must divide all channel numbers.
        strides (Sequence[int], optional): Stride of each convolution. Defaults to 1.
        kernel_size (int): Kernel of each convolution; must be odd. Defaults to 3.
        norm_layer (Callable, optional): Maps a number of channels to a
            normalization; None disables it. Defaults to ``nn.BatchNorm2d``.
        norm_first (bool): Normalizes after the first convolution as well.
            Defaults to True.
        act_last (bool): Adds a SiLU after the last convolution. Defaults to False.
        recompute (bool, optional): Whether training recomputes norms and SiLUs.
            Defaults to None, the choice for the device: see :class:`ConvChoices`.
    """

    def __init__(
        self,
        in_dim: int,
        hidden_dims: Sequence[int],
        dim: int,
        *,
        groups: int,
        strides: Sequence[int] | None = None,
        kernel_size: int = 3,
        norm_layer: Callable[[int], nn.Module] | None = nn.BatchNorm2d,
        norm_first: bool = True,
        act_last: bool = False,
        recompute: bool | None = None,
    ):
        dims = (in_dim, *hidden_dims, dim)
        last = len(dims) - 1
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for i, ((inputs, outputs), stride) in enumerate(
            zip(pairwise(dims), strides or (1,) * last, strict=True), 1
        ):
            layers[f'conv{i}'] = nn.Conv2d(
                inputs, outputs, kernel_size, stride, padding=kernel_size // 2, groups=groups
            )
            if i < last and norm_layer is not None and (i > 1 or norm_first):
                layers[f'norm{i}'] = norm_layer(outputs)
            if i < last or act_last:
                layers[f'act{i}'] = nn.SiLU()
        super().__init__(layers)
        self.groups = groups
        self.recompute = recompute
        self.parts = _split(list(layers))
        add_load_hook(self, _inflate_loaded)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C_in) -> (B, H / s, W / s, D), rounded up, for strides of product s."""
        # (B, H, W, C_in) -> (B, C_in, H, W)
        x = to_conv(x, self.groups)
        if self._recomputes(x.device):
            for names in self.parts:
                run = partial(self._run, names)
                x = recompute(run, x, module=self, random=False) if self._saves(names) else run(x)
        else:
            x = super().forward(x)
        # (B, D, H', W') -> (B, H', W', D)
        return from_conv(x)

    def adapts(self, name: str, shape: torch.Size) -> bool:
        """Whether loading inflates an entry of this name and shape."""
        weight = self._weights().get(name)
        return weight is not None and is_inflatable(shape, weight.shape)

    def _recomputes(self, device: torch.device) -> bool:
        # compilers decide themselves what to recompute
        if not self.training or not torch.is_grad_enabled() or is_compiling():
            return False
        return conv_choices(device).recompute if self.recompute is None else self.recompute

    def _saves(self, names: Sequence[str]) -> bool:
        """Whether recomputing a part saves memory."""
        # with the convolution, whose backward pass needs the recomputed input
        first, last = self._modules[names[0]], self._modules[names[-1]]
        return isinstance(first, RECOMPUTED) and isinstance(last, nn.Conv2d)

    def _run(self, names: Sequence[str], x: Tensor) -> Tensor:
        for name in names:
            x = self.get_submodule(name)(x)
        return x

    def _weights(self) -> dict[str, Tensor]:
        return {
            f'{name}.weight': conv.weight
            for name, conv in self.named_children()
            if isinstance(conv, nn.Conv2d)
        }


def _split(names: Sequence[str]) -> list[list[str]]:
    """Groups the names of the layers: each convolution with the norm and the SiLU before it, then
    the last SiLU if there is one."""
    parts: list[list[str]] = [[]]
    for name in names:
        parts[-1].append(name)
        if name.startswith('conv'):
            parts.append([])
    return [part for part in parts if part]


def is_inflatable(shape: torch.Size, wanted: torch.Size) -> bool:
    """Whether ``shape`` is that of 1x1 kernels and ``wanted`` differs only in larger kernels."""
    return (
        len(shape) == len(wanted) == 4
        and shape[:2] == wanted[:2]
        and shape[2:] == (1, 1) != wanted[2:]
    )


def inflate_kernel(weight: Tensor, size: int) -> Tensor:
    """Zero-pads 1x1 kernels; with padding, the convolution's output stays the same.

    ViTAEv2, "Scaling up": 1x1 convolutions in pretraining, 3x3 afterwards.

    Args:
        weight: (D, C / groups, 1, 1).
        size: Kernel size of the result; must be odd.

    Returns:
        (D, C / groups, size, size).
    """
    return F.pad(weight, (size // 2,) * 4)


def _inflate_loaded(
    module: ParallelConv, state_dict: MutableMapping[str, Tensor], prefix: str, *_: object
) -> None:
    for name, weight in module._weights().items():
        loaded = state_dict.get(prefix + name)
        if loaded is not None and is_inflatable(loaded.shape, weight.shape):
            state_dict[prefix + name] = inflate_kernel(loaded, weight.shape[-1])
