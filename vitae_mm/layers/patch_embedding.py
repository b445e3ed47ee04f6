"""From the image to tokens with plain strided convs."""

from collections.abc import Callable

from torch import Tensor, nn


class PatchEmbedding(nn.Module):
    """Cuts the image into patches and projects each (ViT, Eq. 1).

    Args:
        in_dim (int): Channels of the image.
        dim (int): Channels of a token (D).
        ratio (int): Pixels along one side of a patch.
    """

    def __init__(self, in_dim: int, dim: int, ratio: int):
        super().__init__()
        self.ratio = ratio
        self.proj = nn.Conv2d(in_dim, dim, ratio, stride=ratio)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C_in) -> (B, H / ratio, W / ratio, D); the ratio divides H and W."""
        return self.proj(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class ImageToTokens(nn.Module):
    """Image-to-tokens (I2T): a low-level stem, then patches of its map.

    CeiT, Eq. 4: ``proj(MaxPool(BN(Conv(x))))``.

    Args:
        in_dim (int): Channels of the image.
        stem_dim (int): Channels of the stem.
        dim (int): Channels of a token (D).
        ratio (int): Pixels along one side of a token. Defaults to 16.
        pool (bool): 3x3 max-pooling of stride 2 after the 7x7 conv of stride
            2; patches are twice as large without. Defaults to True.
        norm_layer (Callable, optional): Channels -> norm after the conv;
            None for none. Defaults to ``nn.BatchNorm2d``.
    """

    def __init__(
        self,
        in_dim: int,
        stem_dim: int,
        dim: int,
        ratio: int = 16,
        pool: bool = True,
        norm_layer: Callable[[int], nn.Module] | None = nn.BatchNorm2d,
    ):
        super().__init__()
        self.ratio = ratio
        self.conv = nn.Conv2d(in_dim, stem_dim, 7, stride=2, padding=3, bias=norm_layer is None)
        self.norm = nn.Identity() if norm_layer is None else norm_layer(stem_dim)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1) if pool else nn.Identity()
        patch = ratio // (4 if pool else 2)
        self.proj = nn.Conv2d(stem_dim, dim, patch, stride=patch)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C_in) -> (B, H / ratio, W / ratio, D); the ratio divides H and W."""
        x = self.pool(self.norm(self.conv(x.permute(0, 3, 1, 2))))
        return self.proj(x).permute(0, 2, 3, 1)
