"""The feed-forward network of CeiT, with a depthwise convolution."""

from collections.abc import Callable

from torch import Tensor, nn

from .devices import from_conv, to_conv


class LocalFeedForward(nn.Module):
    """Locally-enhanced feed-forward network (LeFF): a depthwise convolution
    between two pointwise ones.

    CeiT, Eqs. 5-10, for the patch tokens; the class token bypasses it.

    Args:
        dim (int): Channels of the map (D).
        hidden_dim (int): Channels of the depthwise convolution.
        kernel_size (int): Kernel of the depthwise convolution; must be odd.
            Defaults to 3.
        norm_layer (Callable, optional): Maps a number of channels to the
            normalization after each convolution; None disables it. Defaults
            to ``nn.BatchNorm2d``.
        act_last (bool): Adds a GELU after the last normalization. Defaults
            to False.
        drop_rate (float): Dropout at the end. Defaults to 0.
    """

    def __init__(
        self,
        dim: int,
        hidden_dim: int,
        *,
        kernel_size: int = 3,
        norm_layer: Callable[[int], nn.Module] | None = nn.BatchNorm2d,
        act_last: bool = False,
        drop_rate: float = 0.0,
    ):
        super().__init__()
        norm = norm_layer or nn.Identity
        self.conv1 = nn.Conv2d(dim, hidden_dim, 1)
        self.norm1 = norm(hidden_dim)
        self.conv2 = nn.Conv2d(
            hidden_dim, hidden_dim, kernel_size, padding=kernel_size // 2, groups=hidden_dim
        )
        self.norm2 = norm(hidden_dim)
        self.conv3 = nn.Conv2d(hidden_dim, dim, 1)
        self.norm3 = norm(dim)
        self.act = nn.GELU()
        self.last = nn.GELU() if act_last else nn.Identity()
        self.drop = nn.Dropout(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, D) -> (B, H, W, D)."""
        # (B, H, W, D) -> (B, D, H, W)
        x = self.act(self.norm1(self.conv1(to_conv(x, self.conv2.groups))))
        x = self.act(self.norm2(self.conv2(x)))
        x = self.last(self.norm3(self.conv3(x)))
        # (B, D, H, W) -> (B, H, W, D)
        return from_conv(self.drop(x))
