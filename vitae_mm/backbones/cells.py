"""The reduction cell and the normal cell of ViTAE and ViTAEv2."""

from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from vitae_mm.layers import (
    FeedForward,
    FullAttention,
    ParallelConv,
    PerformerAttention,
    PyramidReduction,
    WindowAttention,
    join_tokens,
    split_tokens,
)

from .spec import StageSpec

REDUCTION_EPS = 1e-5
NORMAL_EPS = 1e-6
"""LayerNorm epsilons of the published weights; the two cells differ."""

PERFORMER_DROP = 0.1
"""Minimum dropout in reduction cells with Performer attention, as published."""


class ReductionCell(nn.Module):
    """Reduction cell (RC): downsamples the map and adds multi-scale context and locality.

    ViTAE, "Reduction cell": ``y = Attn(LN(PRM(x))) + PCM(x)``, ``out = y + FFN(LN(y))``.
    """

    def __init__(self, spec: StageSpec):
        super().__init__()
        self.ratio = spec.ratio
        drop_rate = spec.drop_rate
        if spec.reduction_attention == 'performer':
            drop_rate = max(drop_rate, PERFORMER_DROP)
        self.prm = build_pyramid(spec)
        self.pcm = None
        if spec.reduction_pcm:
            self.pcm = ParallelConv(
                spec.in_dim,
                (spec.branch_dim, spec.branch_dim),
                spec.dim,
                groups=spec.reduction_groups,
                strides=pcm_strides(spec.ratio),
                norm_layer=spec.norm_layer,
                norm_first=spec.pcm_first_norm,
                act_last=spec.pcm_last_act,
                recompute=spec.pcm_recompute,
            )
        self.norm1 = nn.LayerNorm(spec.pyramid_dim, eps=REDUCTION_EPS)
        self.attn = build_attention(
            spec.reduction_attention,
            spec.pyramid_dim,
            spec,
            num_heads=spec.reduction_heads,
            drop_rate=drop_rate,
            reducing=True,
        )
        self.norm2 = nn.LayerNorm(spec.dim, eps=REDUCTION_EPS)
        self.ffn = FeedForward(
            spec.dim, spec.dim, drop_rate=drop_rate, hidden_drop_rate=spec.drop_rate
        )

    def forward(self, x: Tensor) -> Tensor:
        """
        Args:
            x: Map, (B, H, W, C_in); the ratio r must divide H and W.

        Returns:
            Map, (B, H / r, W / r, D).
        """
        y = self.attn(self.norm1(self.prm(x)))
        if self.pcm is not None:
            y = y + self.pcm(x)
        return y + self.ffn(self.norm2(y))


class NormalCell(nn.Module):
    """Normal cell (NC): attention and parallel convs side by side, then an FFN.

    ViTAE, "Normal cell": ``y = x + Attn(LN(x)) + PCM(x)``, ``out = y + FFN(LN(y))``,
    with stochastic depth on each of the three branches. Attention and FFN are
    applied to the map and the class token, the convs only to the map.

    Args:
        spec (StageSpec): Description of the stage.
        drop_path_rate (float): Share of samples for which a branch is
            dropped. Defaults to 0.
        shifted (bool): Whether attention windows are shifted. Defaults to
            False.
    """

    def __init__(self, spec: StageSpec, *, drop_path_rate: float = 0.0, shifted: bool = False):
        super().__init__()
        dim = spec.dim
        self.norm1 = nn.LayerNorm(dim, eps=NORMAL_EPS)
        self.attn = build_attention(
            spec.attention,
            dim,
            spec,
            num_heads=spec.num_heads,
            drop_rate=spec.drop_rate,
            shifted=shifted,
        )
        self.pcm = None
        if spec.pcm_kernel_size:
            self.pcm = ParallelConv(
                dim,
                (spec.hidden_dim,) if spec.pcm_shallow else (spec.hidden_dim, dim),
                dim,
                groups=spec.groups,
                kernel_size=spec.pcm_kernel_size,
                norm_layer=spec.norm_layer,
                act_last=spec.pcm_last_act,
                recompute=spec.pcm_recompute,
            )
        self.norm2 = nn.LayerNorm(dim, eps=NORMAL_EPS)
        self.ffn = FeedForward(dim, spec.hidden_dim, drop_rate=spec.drop_rate)
        self.drop_path = StochasticDepth(drop_path_rate, mode='row')
        self.after_ffn = spec.pcm_fusion == 'after_ffn'

    def forward(self, x: Tensor, cls: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """
        Args:
            x: Map, (B, H, W, D).
            cls: Class token, (B, 1, D), or None.

        Returns:
            Both, of the same shapes.
        """
        return self.combine(x, cls, None if self.pcm is None else self.pcm(x))

    def combine(
        self, x: Tensor, cls: Tensor | None, local: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Computes the cell from the output of its parallel convs, (B, H, W, D) or None."""
        size = x.shape[1:3]
        tokens = join_tokens(x, cls)
        x, cls = split_tokens(tokens + self.drop_path(self.attn(self.norm1(tokens))), size)
        if local is not None and not self.after_ffn:
            x = x + self.drop_path(local)
        tokens = join_tokens(x, cls)
        x, cls = split_tokens(tokens + self.drop_path(self.ffn(self.norm2(tokens))), size)
        if local is not None and self.after_ffn:
            x = x + self.drop_path(local)
        return x, cls


class ClassTokenCell(NormalCell):
    """A normal cell that computes only the class token.

    It is the last cell if the class token is the only output. Its parallel
    convs affect only the map and are not trained: they would never receive a
    gradient.
    """

    def __init__(self, spec: StageSpec, *, drop_path_rate: float = 0.0, shifted: bool = False):
        super().__init__(spec, drop_path_rate=drop_path_rate, shifted=shifted)
        if self.pcm is not None:
            self.pcm.requires_grad_(False)

    def forward(self, x: Tensor, cls: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As :class:`NormalCell`, but returns the map unchanged."""
        tokens = join_tokens(x, cls)
        y = tokens[:, :1] + self.drop_path(self.attn(self.norm1(tokens))[:, :1])
        return x, y + self.drop_path(self.ffn(self.norm2(y)))


def build_attention(
    kind: str,
    in_dim: int,
    spec: StageSpec,
    *,
    num_heads: int,
    drop_rate: float,
    shifted: bool = False,
    reducing: bool = False,
) -> nn.Module:
    """Builds the attention of a cell, (B, H, W, in_dim) -> (B, H, W, D).

    The full attention of reduction cells (``reducing``) has no qkv bias and
    adds the values to its output, as published.
    """
    if kind == 'window':
        return WindowAttention(
            in_dim,
            spec.dim,
            num_heads,
            window_size=spec.window_size,
            shifted=shifted,
            relative_position=spec.relative_position,
            drop_rate=drop_rate,
        )
    if kind == 'full':
        return FullAttention(
            in_dim,
            spec.dim,
            num_heads,
            qkv_bias=not reducing,
            value_skip=reducing,
            drop_rate=drop_rate,
        )
    return PerformerAttention(in_dim, spec.dim, num_heads, drop_rate=drop_rate)


def build_pyramid(spec: StageSpec) -> PyramidReduction:
    """Builds the pyramid reduction (PRM) of a stage."""
    return PyramidReduction(
        spec.in_dim,
        spec.pyramid_dim,
        kernel_size=spec.kernel_size,
        ratio=spec.ratio,
        dilations=spec.dilations,
    )


def pcm_strides(ratio: int) -> tuple[int, ...]:
    """Strides of the three parallel convs beside a reduction by ``ratio``.

    Leading convs have stride 2 until their product is ``ratio``.
    """
    halvings = ratio.bit_length() - 1
    return tuple(2 if i < halvings else 1 for i in range(3))
