"""The convolutional patch embedding of CeiT."""

from collections.abc import Callable

from torch import Tensor, nn

from .devices import from_conv, to_conv


class ImageToTokens(nn.Module):
    """Image-to-tokens module (I2T): a convolutional stem, then patches of its map.

    CeiT, Eq. 4: ``proj(MaxPool(BN(Conv(x))))``.

    Args:
        in_dim (int): Channels of the image (C_in).
        stem_dim (int): Channels of the stem.
        dim (int): Channels of a token (D).
        ratio (int): Side of a token's patch in pixels (r); a multiple of the
            stem's stride, 4 or, without pooling, 2. Defaults to 16.
        pool (bool): Adds 3x3 max-pooling of stride 2 after the 7x7 convolution
            of stride 2. Defaults to True.
        norm_layer (Callable, optional): Maps a number of channels to the
            normalization after the convolution; None replaces it by a bias.
            Defaults to ``nn.BatchNorm2d``.
    """

    def __init__(
        self,
        in_dim: int,
        stem_dim: int,
        dim: int,
        *,
        ratio: int = 16,
        pool: bool = True,
        norm_layer: Callable[[int], nn.Module] | None = nn.BatchNorm2d,
    ):
        super().__init__()
        self.ratio = ratio
        self.conv = nn.Conv2d(in_dim, stem_dim, 7, stride=2, padding=3, bias=norm_layer is None)
        self.norm = (norm_layer or nn.Identity)(stem_dim)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1) if pool else nn.Identity()
        patch = ratio // (4 if pool else 2)
        self.proj = nn.Conv2d(stem_dim, dim, patch, stride=patch)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C_in) -> (B, H / r, W / r, D); r must divide H and W."""
        # (B, H, W, C_in) -> (B, C_in, H, W)
        x = self.pool(self.norm(self.conv(to_conv(x))))
        # (B, D, H / r, W / r) -> (B, H / r, W / r, D)
        return from_conv(self.proj(x))
