"""Embedding of image patches."""

from torch import Tensor, nn

from .devices import from_conv, to_conv


class PatchEmbedding(nn.Module):
    """Cuts the image into patches and projects each (ViT, Eq. 1).

    Args:
        in_dim (int): Channels of the image (C_in).
        dim (int): Channels of a token (D).
        ratio (int): Side of a patch in pixels (r).
    """

    def __init__(self, in_dim: int, dim: int, ratio: int):
        super().__init__()
        self.ratio = ratio
        self.proj = nn.Conv2d(in_dim, dim, ratio, stride=ratio)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C_in) -> (B, H / r, W / r, D); r must divide H and W."""
        # (B, H, W, C_in) -> (B, C_in, H, W) and back
        return from_conv(self.proj(to_conv(x)))
