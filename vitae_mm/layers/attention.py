"""Softmax self-attention over all tokens."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CUDA_BATCH_LIMIT = 65535
"""Largest batch dimension that the fused CUDA kernels accept in one launch."""


def scaled_dot_product(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """Computes softmax(q k^T / sqrt(d) + bias) v.

    The batch is split if it exceeds the limit of the fused CUDA kernels.

    Args:
        q, k, v: (B, heads, N, d).
        bias: Added to the logits; broadcasts to (B, heads, N, N).

    Returns:
        (B, heads, N, d).
    """
    if not q.is_cuda or q.shape[0] <= CUDA_BATCH_LIMIT:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    if bias is not None:
        bias = bias.expand(len(q), -1, -1, -1)
    parts = [slice(i, i + CUDA_BATCH_LIMIT) for i in range(0, len(q), CUDA_BATCH_LIMIT)]
    return torch.cat(
        [
            F.scaled_dot_product_attention(
                q[part], k[part], v[part], attn_mask=None if bias is None else bias[part]
            )
            for part in parts
        ]
    )


class FullAttention(nn.Module):
    """Multi-head self-attention (MHSA) over all tokens.

    Attention Is All You Need, Eq. 1.

    Args:
        in_dim (int): Input channels (C_in).
        dim (int): Channels of q, k, v and the output (D).
        num_heads (int): Number of heads; must divide ``dim``.
        qkv_bias (bool): Adds a bias to the qkv projection. Defaults to True.
        value_skip (bool): Adds the values to the projected output, as in
            reduction cells. Defaults to False.
        drop_rate (float): Dropout after the projection. Defaults to 0.
    """

    def __init__(
        self,
        in_dim: int,
        dim: int,
        num_heads: int,
        *,
        qkv_bias: bool = True,
        value_skip: bool = False,
        drop_rate: float = 0.0,
    ):
        super().__init__()
        self.num_heads = num_heads
        self.value_skip = value_skip
        self.qkv = nn.Linear(in_dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)
        self.drop = nn.Dropout(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """
        Args:
            x: Map or tokens, (B, ..., C_in).

        Returns:
            (B, ..., D).
        """
        # (B, ..., C_in) -> (B, N, D) -> (B, ..., D)
        return self.attend(x.flatten(1, -2)).unflatten(1, x.shape[1:-1])

    def queries_keys_values(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Projects tokens, (B, N, C_in), to q, k and v, each (B, heads, N, d)."""
        # (B, N, 3 * D) -> (3, B, heads, N, d)
        q, k, v = self.qkv(tokens).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        return q, k, v

    def attend(self, tokens: Tensor, bias: Tensor | None = None) -> Tensor:
        """(B, N, C_in) -> (B, N, D); ``bias`` broadcasts to (B, heads, N, N)."""
        q, k, v = self.queries_keys_values(tokens)
        # (B, heads, N, d) -> (B, N, D)
        out = scaled_dot_product(q, k, v, bias).transpose(1, 2).flatten(2)
        out = self.drop(self.proj(out))
        return out + v.transpose(1, 2).flatten(2) if self.value_skip else out
