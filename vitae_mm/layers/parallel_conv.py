from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .checkpointing import checkpoint_module

RECOMPUTED = (nn.BatchNorm2d, nn.GroupNorm, nn.SiLU)
"""What is computed again rather than stored. Others stay: SyncBatchNorm would
gather the statistics of all processes twice."""


class ParallelConv(nn.Sequential):
    """Parallel convolution (PCM): convs beside the attention.

    ViTAE, "Parallel convolutional module"; it sees the cell's input before any LayerNorm.
    conv, norm, SiLU for each of ``hidden_dims``, then a last conv. Training
    stores what each conv puts out and computes norms and SiLUs again in the
    backward pass: they take the most memory and little time. Loaded kernels
    of one pixel are inflated: see :func:`inflate_kernel`.

    Args:
        in_dim (int): Channels of the input map.
        hidden_dims (Sequence[int]): Channels after each conv but the last.
        dim (int): Channels of the output map.
        groups (int): Groups of each conv; divides every channel number.
        strides (Sequence[int], optional): Stride of each conv. Defaults to 1.
        kernel_size (int): Kernel of each conv, an odd number. Defaults to 3.
        norm_layer (Callable, optional): Channels -> normalisation module;
            None for no norms. Defaults to ``nn.BatchNorm2d``.
        norm_first (bool): A norm after the first conv too. Defaults to True.
        act_last (bool): A SiLU after the last conv too. Defaults to False.
    """

    def __init__(
        self,
        in_dim: int,
        hidden_dims: Sequence[int],
        dim: int,
        groups: int,
        strides: Sequence[int] | None = None,
        kernel_size: int = 3,
        norm_layer: Callable[[int], nn.Module] | None = nn.BatchNorm2d,
        norm_first: bool = True,
        act_last: bool = False,
    ):
        dims = (in_dim, *hidden_dims, dim)
        count = len(dims) - 1
        strides = strides or (1,) * count
        layers = OrderedDict()
        for i in range(1, count + 1):
            layers[f'conv{i}'] = nn.Conv2d(
                dims[i - 1],
                dims[i],
                kernel_size,
                strides[i - 1],
                padding=kernel_size // 2,
                groups=groups,
            )
            if i < count and norm_layer is not None and (i > 1 or norm_first):
                layers[f'norm{i}'] = norm_layer(dims[i])
            if i < count or act_last:
                layers[f'act{i}'] = nn.SiLU()
        super().__init__(layers)
        self.register_load_state_dict_pre_hook(_inflate_loaded)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C_in) -> (B, H', W', D), shrunk by the product of the strides."""
        x = x.permute(0, 3, 1, 2)
        # a compiler chooses by itself what it computes again
        if self.training and torch.is_grad_enabled() and not torch.compiler.is_compiling():
            for part in self._parts():
                x = checkpoint_module(part, x, random=False) if _is_recomputed(part) else part(x)
        else:
            x = super().forward(x)
        return x.permute(0, 2, 3, 1)

    def _parts(self) -> Iterator[nn.Sequential]:
        """Each conv, with the norm and the SiLU before it; the last SiLU."""
        part = []
        for module in self:
            part.append(module)
            if isinstance(module, nn.Conv2d):
                yield nn.Sequential(*part)
                part = []
        if part:
            yield nn.Sequential(*part)

    def adapts(self, name: str, shape: torch.Size) -> bool:
        """Whether an entry of this name and shape is inflated when it is loaded."""
        weight = _weights(self).get(name)
        return weight is not None and is_inflatable(shape, weight.shape)


def _is_recomputed(part: nn.Sequential) -> bool:
    # with the conv, whose backward pass asks for its input
    return isinstance(part[0], RECOMPUTED) and isinstance(part[-1], nn.Conv2d)


def is_inflatable(shape: torch.Size, wanted: torch.Size) -> bool:
    """Whether weights of a conv have kernels of one pixel and ``wanted`` larger ones."""
    return (
        len(shape) == len(wanted) == 4
        and shape[:2] == wanted[:2]
        and shape[2:] == (1, 1) != wanted[2:]
    )


def inflate_kernel(weight: Tensor, size: int) -> Tensor:
    """Puts zeros around the kernels of a conv, which then, with padding, gives
    the same output.

    ViTAEv2, "Scaling up": convs of one token while pretraining, of 3x3 after.

    Args:
        weight: (D, C / groups, 1, 1).
        size: Kernel wanted, an odd number.

    Returns:
        (D, C / groups, size, size).
    """
    return F.pad(weight, (size // 2,) * 4)


def _inflate_loaded(
    module: ParallelConv, state_dict: MutableMapping[str, Tensor], prefix: str, *_: object
) -> None:
    for name, weight in _weights(module).items():
        loaded = state_dict.get(prefix + name)
        if loaded is not None and is_inflatable(loaded.shape, weight.shape):
            state_dict[prefix + name] = inflate_kernel(loaded, weight.shape[-1])


def _weights(module: ParallelConv) -> Mapping[str, Tensor]:
    return {
        f'{name}.weight': conv.weight
        for name, conv in module.named_children()
        if isinstance(conv, nn.Conv2d)
    }
