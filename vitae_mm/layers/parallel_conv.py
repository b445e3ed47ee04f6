from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import Tensor, nn


class ParallelConv(nn.Sequential):
    """Parallel convolution (PCM): three 3x3 convs beside the attention.

    ViTAE, "Parallel convolutional module"; it sees the cell's input before any LayerNorm.
    conv, norm, SiLU, conv, norm, SiLU, conv.

    Args:
        in_dim (int): Channels of the input map.
        hidden_dims (Sequence[int]): Channels after the first and second conv.
        dim (int): Channels of the output map.
        groups (int): Groups of each conv; divides every channel number.
        strides (Sequence[int]): Stride of each conv. Defaults to (1, 1, 1).
        norm_layer (Callable): Channels -> normalisation module. Defaults to
            ``nn.BatchNorm2d``.
    """

    def __init__(self, in_dim: int, hidden_dims: Sequence[int], dim: int, groups: int,
                 strides: Sequence[int] = (1, 1, 1),
                 norm_layer: Callable[[int], nn.Module] = nn.BatchNorm2d):
        first, second = hidden_dims

        def conv(inputs: int, outputs: int, stride: int) -> nn.Conv2d:
            return nn.Conv2d(inputs, outputs, 3, stride, padding=1, groups=groups)

        super().__init__(OrderedDict(
            conv1=conv(in_dim, first, strides[0]), norm1=norm_layer(first), act1=nn.SiLU(),
            conv2=conv(first, second, strides[1]), norm2=norm_layer(second), act2=nn.SiLU(),
            conv3=conv(second, dim, strides[2])))

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C_in) -> (B, H', W', D), shrunk by the product of the strides."""
        return super().forward(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
