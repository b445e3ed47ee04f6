"""Attention over the class tokens of all layers (CeiT)."""

import torch
from torch import Tensor, nn

from .attention import FullAttention, scaled_dot_product
from .feed_forward import FeedForward


class LayerwiseClassAttention(nn.Module):
    """Layer-wise class-token attention (LCA): the class token of the last layer
    attends to those of all layers.

    CeiT, Sec. 3.4, with a learned embedding for each layer: attention with the last
    token as the only query, then a feed-forward network, each with a residual.

    Args:
        dim (int): Channels of a token (D).
        num_heads (int): Number of heads; must divide ``dim``.
        num_layers (int): Number of class tokens (L).
        eps (float): Epsilon of the LayerNorms. Defaults to 1e-6.
    """

    def __init__(self, dim: int, num_heads: int, num_layers: int, *, eps: float = 1e-6):
        super().__init__()
        self.position = nn.Parameter(torch.zeros(1, num_layers, dim))
        nn.init.trunc_normal_(self.position, std=0.02)
        self.norm1 = nn.LayerNorm(dim, eps=eps)
        self.attn = LastQueryAttention(dim, dim, num_heads)
        self.norm2 = nn.LayerNorm(dim, eps=eps)
        self.ffn = FeedForward(dim, 4 * dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Class tokens of all layers, (B, L, D) -> (B, 1, D)."""
        tokens = tokens + self.position
        last = tokens[:, -1:] + self.attn(self.norm1(tokens))
        return last + self.ffn(self.norm2(last))


class LastQueryAttention(FullAttention):
    """Multi-head attention with the last token as the only query."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, D) -> (B, 1, D)."""
        q, k, v = self.queries_keys_values(x)
        out = scaled_dot_product(q[:, :, -1:], k, v)
        # (B, heads, 1, d) -> (B, 1, D)
        return self.proj(out.transpose(1, 2).flatten(2))
