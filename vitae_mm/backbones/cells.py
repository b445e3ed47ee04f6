"""The two cells that all networks are made of."""

from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from vitae_mm.layers import (
    FeedForward,
    LocalFeedForward,
    ParallelConv,
    PyramidReduction,
    VisibleTokens,
    join_tokens,
    split_tokens,
)

REDUCTION_EPS = 1e-5
NORMAL_EPS = 1e-6
"""LayerNorm epsilons of the published weights; the two cells differ."""


class ReductionCell(nn.Module):
    """Reduction cell (RC): shrinks the map and brings in scales and locality.

    ViTAE, "Reduction cell": ``a = Attn(LN(PRM(x)))``, ``y = a + PCM(x)``,
    ``out = y + FFN(LN(y))``.

    Args:
        prm (PyramidReduction): Shrinks the map.
        pyramid_dim (int): Its channels (|S| * E).
        dim (int): Channels of the output map (D).
        attn (nn.Module): Attention, |S| * E -> D channels.
        pcm (ParallelConv | None): Parallel convs, C_in -> D channels, that
            shrink the map as much; None for none.
        ffn (FeedForward): Feed-forward network.
    """

    def __init__(
        self,
        prm: PyramidReduction,
        pyramid_dim: int,
        dim: int,
        attn: nn.Module,
        pcm: ParallelConv | None,
        ffn: FeedForward,
    ):
        super().__init__()
        self.prm = prm
        self.pcm = pcm
        self.norm1 = nn.LayerNorm(pyramid_dim, eps=REDUCTION_EPS)
        self.attn = attn
        self.norm2 = nn.LayerNorm(dim, eps=REDUCTION_EPS)
        self.ffn = ffn

    @property
    def ratio(self) -> int:
        return self.prm.ratio

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C_in) -> (B, H / r, W / r, D); the ratio divides H and W."""
        y = self.attn(self.norm1(self.prm(x)))
        if self.pcm is not None:
            y = y + self.pcm(x)
        return y + self.ffn(self.norm2(y))


class NormalCell(nn.Module):
    """Normal cell (NC): attention and parallel convs side by side, then FFN.

    ViTAE, "Normal cell": ``y = x + Attn(LN(x)) + PCM(x)``, ``out = y + FFN(LN(y))``,
    with stochastic depth on each of the three branches. Without parallel
    convs it is a transformer block; with a :class:`LocalFeedForward` it is
    that of CeiT (Eqs. 11-12). Convs see and change the map alone, attention
    and FFN the class token as well.

    Args:
        dim (int): Channels of the map (D).
        attn (nn.Module): Attention.
        pcm (ParallelConv | None): Parallel convs; None for none.
        ffn (FeedForward | LocalFeedForward): Feed-forward network.
        drop_path_rate (float): Share of samples a branch is dropped for.
            Defaults to 0.
        fuse_after_ffn (bool): Add the parallel convs' map after the FFN, not
            before it: ``out = y + FFN(LN(y)) + PCM(x)``. Defaults to False.
    """

    def __init__(
        self,
        dim: int,
        attn: nn.Module,
        pcm: ParallelConv | None,
        ffn: FeedForward | LocalFeedForward,
        drop_path_rate: float = 0.0,
        fuse_after_ffn: bool = False,
    ):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=NORMAL_EPS)
        self.attn = attn
        self.pcm = pcm
        self.norm2 = nn.LayerNorm(dim, eps=NORMAL_EPS)
        self.ffn = ffn
        self.drop_path = StochasticDepth(drop_path_rate, mode='row')
        self.fuse_after_ffn = fuse_after_ffn
        self.class_only = False

    def forward(
        self, x: Tensor, cls: Tensor | None = None, visible: VisibleTokens | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """
        Args:
            x: Map, (B, H, W, D), or visible tokens, (B, 1, K, D).
            cls: Class token, (B, 1, D), or None.
            visible: Where tokens are in the map that the convs shall see.
                Defaults to ``x`` as it is.

        Returns:
            Both, of the same shapes.
        """
        if self.class_only:
            return x, self._class_only(x, cls)
        tokens = join_tokens(x, cls)
        y = tokens + self.drop_path(self.attn(self.norm1(tokens)))
        if self.pcm is None:
            return self._feed_forward(*split_tokens(y, x.shape[1:3]))
        local = self.pcm(x) if visible is None else visible.pick(self.pcm(visible.spread(x)))
        local = self.drop_path(local)
        y, cls = split_tokens(y, x.shape[1:3])
        if self.fuse_after_ffn:
            y, cls = self._feed_forward(y, cls)
            return y + local, cls
        return self._feed_forward(y + local, cls)

    def skip_map(self) -> None:
        """Computes the class token alone from now on.

        For the last cell where only the class token is read: what changes
        the map alone is left out, and not trained, since it would never see
        a gradient.
        """
        self.class_only = True
        for part in (self.pcm, self.ffn if isinstance(self.ffn, LocalFeedForward) else None):
            if part is not None:
                part.requires_grad_(False)

    def _feed_forward(self, x: Tensor, cls: Tensor | None) -> tuple[Tensor, Tensor | None]:
        tokens = join_tokens(x, cls)
        y = self.norm2(tokens)
        if isinstance(self.ffn, LocalFeedForward):
            local, passed = split_tokens(y, x.shape[1:3])
            y = join_tokens(self.ffn(local), passed)
        else:
            y = self.ffn(y)
        return split_tokens(tokens + self.drop_path(y), x.shape[1:3])

    def _class_only(self, x: Tensor, cls: Tensor) -> Tensor:
        tokens = self.norm1(join_tokens(x, cls))
        y = cls + self.drop_path(self.attn(tokens)[:, :1])
        passed = self.norm2(y)
        if not isinstance(self.ffn, LocalFeedForward):
            passed = self.ffn(passed)
        return y + self.drop_path(passed)
