"""Attention whose cost is linear in the number of tokens."""

import math
from contextlib import nullcontext

import torch
from torch import Tensor, nn

LARGEST_EXPONENT = 32
"""exp(2 * 32), summed over millions of tokens, is within the range of float32."""


class PerformerAttention(nn.Module):
    """Linear-cost self-attention (Performer) with positive random features.

    Rethinking Attention with Performers, Choromanski et al. 2021, Eq. 5, in
    the form of ViTAE's reduction cells: ``m = d / 2`` orthogonal features, no
    scaling of q and k, and the values added to the projected output. Under
    autocast, the exponentials are computed in float32.

    Args:
        in_dim (int): Input channels (C_in).
        dim (int): Channels of q, k, v and the output (D).
        num_heads (int): Number of heads; ``d = dim / num_heads`` must be even.
            Defaults to 1.
        drop_rate (float): Dropout after the projection. Defaults to 0.1.
    """

    EPS = 1e-8
    features: Tensor

    def __init__(self, in_dim: int, dim: int, num_heads: int = 1, *, drop_rate: float = 0.1):
        super().__init__()
        self.num_heads = num_heads
        head_dim = dim // num_heads
        self.kqv = nn.Linear(in_dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.drop = nn.Dropout(drop_rate)
        self.register_buffer('features', orthogonal_features(head_dim // 2, head_dim))

    def forward(self, x: Tensor) -> Tensor:
        """
        Args:
            x: Map or tokens, (B, ..., C_in).

        Returns:
            (B, ..., D).
        """
        # (B, ..., C_in) -> (B, N, C_in)
        tokens = x.flatten(1, -2)
        # (B, N, 3 * D) -> 3 x (B, heads, N, d)
        k, q, v = self.kqv(tokens).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        # (B, heads, N, d) -> (B, N, D)
        out = self._attend(q, k, v).to(v.dtype).transpose(1, 2).flatten(2)
        out = self.drop(self.proj(out)) + v.transpose(1, 2).flatten(2)
        # (B, N, D) -> (B, ..., D)
        return out.unflatten(1, x.shape[1:-1])

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """q, k and v, each (B, heads, N, d) -> (B, heads, N, d), in float32 or better."""
        precise = torch.promote_types(q.dtype, torch.float32)
        device = q.device.type
        # FLOP counters run networks on the meta device, which has no autocast
        with nullcontext() if device == 'meta' else torch.autocast(device, enabled=False):
            q, k, v = self.phi(q.to(precise)), self.phi(k.to(precise)), v.to(precise)
            # sum over tokens first: (B, heads, m, d), linear in N
            summary = k.transpose(-2, -1) @ v
            # (B, heads, N, m) x (B, heads, m, 1) -> (B, heads, N, 1)
            norm = q @ k.sum(dim=-2).unsqueeze(-1)
            return (q @ summary) / (norm + self.EPS * math.exp(-2 * self.exponent_shift))

    @property
    def exponent_shift(self) -> float:
        """Shift that keeps products of two features within the range of float32.

        Exponents are at most |w|^2 / 2 = m / 2. Subtracting the shift from each
        scales numerator and denominator by the same factor.
        """
        return max(len(self.features) / 2 - LARGEST_EXPONENT, 0.0)

    def phi(self, x: Tensor) -> Tensor:
        """phi(x) = exp(w x - |x|^2 / 2 - shift) / sqrt(m): (..., d) -> (..., m)."""
        w = self.features.to(x.dtype)
        square = x.square().sum(dim=-1, keepdim=True) / 2
        return torch.exp(x @ w.T - square - self.exponent_shift) / math.sqrt(len(w))


def orthogonal_features(count: int, dim: int) -> Tensor:
    """``count`` orthogonal rows of length sqrt(count), (count, dim)."""
    return nn.init.orthogonal_(torch.empty(count, dim)) * math.sqrt(count)
