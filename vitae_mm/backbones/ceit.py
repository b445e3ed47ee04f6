"""CeiT."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torchvision.ops import StochasticDepth

from vitae_mm.checkpoints import register_variants
from vitae_mm.errors import InputError
from vitae_mm.layers import (
    FeedForward,
    FullAttention,
    ImageToTokens,
    LayerwiseClassAttention,
    LocalFeedForward,
    PatchEmbedding,
    TokenEmbedding,
    join_tokens,
    split_tokens,
)
from vitae_mm.registry import MODELS

from .backbone import StagedBackbone
from .options import (
    BATCH_NORM,
    NormLayer,
    check_choice,
    check_count,
    check_flags,
    check_img_size,
    check_num_groups,
    check_rates,
    drop_path_ramp,
    norm_builder,
)
from .spec import ArchForm, read_arch
from .stage import Stage

FORM = ArchForm(
    archs={
        'tiny': dict(dims=(192,), depths=(12,), num_heads=(3,)),
        'small': dict(dims=(384,), depths=(12,), num_heads=(6,)),
        'base': dict(dims=(768,), depths=(12,), num_heads=(12,)),
    },
    shared=dict(ratios=(16,), mlp_ratios=(4,)),
)

LEFF_KERNELS = (0, 1, 3, 5, 7)
EPS = 1e-6


@dataclass(frozen=True, kw_only=True)
class CeiTSpec:
    """The one stage of a CeiT.

    Attributes:
        dim: Channels of a token (D).
        depth: Number of blocks.
        num_heads: Attention heads.
        ratio: Side of a token, in pixels.
        mlp_ratio: Hidden channels of LeFF, as a multiple of ``dim``.
        drop_rate: Dropout in the blocks.
        stem_conv, stem_pool, stem_norm, stem_channels, leff_kernel_size,
            leff_norm, leff_last_act: As in :class:`CeiT`.
        norm_cfg: Norm of stem and LeFF, as mmcv reads it; None for no norm.

    Raises:
        InputError: For unknown values, and numbers that do not divide.
    """

    dim: int
    depth: int
    num_heads: int
    ratio: int
    mlp_ratio: float
    drop_rate: float
    stem_conv: bool
    stem_pool: bool
    stem_norm: bool
    stem_channels: int
    leff_kernel_size: int
    leff_norm: bool
    leff_last_act: bool
    norm_cfg: dict | None

    @property
    def hidden_dim(self) -> int:
        """Hidden channels of LeFF."""
        return int(self.dim * self.mlp_ratio)

    @property
    def stem_norm_layer(self) -> NormLayer | None:
        """Norm of the stem; None for no norm."""
        return norm_builder(self.norm_cfg) if self.stem_norm else None

    @property
    def leff_norm_layer(self) -> NormLayer | None:
        """Norm of LeFF; None for no norm."""
        return norm_builder(self.norm_cfg) if self.leff_norm else None

    def __post_init__(self) -> None:
        check_count('stem_channels', self.stem_channels)
        check_choice('leff_kernel_size', self.leff_kernel_size, LEFF_KERNELS)
        check_rates(drop_rate=self.drop_rate)
        check_flags(
            stem_conv=self.stem_conv,
            stem_pool=self.stem_pool,
            stem_norm=self.stem_norm,
            leff_norm=self.leff_norm,
            leff_last_act=self.leff_last_act,
        )
        if self.dim % self.num_heads:
            raise InputError(f'num_heads={self.num_heads} does not divide dims={self.dim}.')
        stem_ratio = 4 if self.stem_pool else 2
        if self.stem_conv and self.ratio % stem_ratio:
            raise InputError(
                f'ratios=({self.ratio},): the stem alone downsamples by {stem_ratio}; give a '
                'multiple, or stem_conv=False.'
            )
        widths = [self.stem_channels] if self.stem_conv and self.stem_norm else []
        if self.leff_kernel_size and self.leff_norm:
            widths += [self.hidden_dim, self.dim]
        check_num_groups(self.norm_cfg, widths)


class CeiTBlock(nn.Module):
    """Transformer block of CeiT: attention, then LeFF, each with a residual.

    CeiT, Eqs. 11-12: ``y = x + MSA(LN(x))``, ``out = y + LeFF(LN(y))``. LeFF is
    applied to the map only: the normed class token bypasses it (Eqs. 5-10). The
    plain feed-forward network of the ablation is applied to both.

    Args:
        spec (CeiTSpec): Description of the stage.
        drop_path_rate (float): Share of samples for which a branch is
            dropped.
    """

    def __init__(self, spec: CeiTSpec, drop_path_rate: float):
        super().__init__()
        self.norm1 = nn.LayerNorm(spec.dim, eps=EPS)
        self.attn = FullAttention(spec.dim, spec.dim, spec.num_heads, drop_rate=spec.drop_rate)
        self.norm2 = nn.LayerNorm(spec.dim, eps=EPS)
        self.is_local = spec.leff_kernel_size > 0
        self.ffn: nn.Module
        if self.is_local:
            self.ffn = LocalFeedForward(
                spec.dim,
                spec.hidden_dim,
                kernel_size=spec.leff_kernel_size,
                norm_layer=spec.leff_norm_layer,
                act_last=spec.leff_last_act,
                drop_rate=spec.drop_rate,
            )
        else:
            self.ffn = FeedForward(spec.dim, spec.hidden_dim, drop_rate=spec.drop_rate)
        self.drop_path = StochasticDepth(drop_path_rate, mode='row')

    def forward(self, x: Tensor, cls: Tensor) -> tuple[Tensor, Tensor]:
        """
        Args:
            x: Map, (B, H, W, D).
            cls: Class token, (B, 1, D).

        Returns:
            Both, of the same shapes.
        """
        size = x.shape[1:3]
        tokens = join_tokens(x, cls)
        tokens = tokens + self.drop_path(self.attn(self.norm1(tokens)))
        y = self.norm2(tokens)
        if self.is_local:
            local, passed = split_tokens(y, size)
            y = join_tokens(self.ffn(local), passed)
        else:
            y = self.ffn(y)
        tokens = tokens + self.drop_path(y)
        # (B, 1 + H * W, D) -> (B, H, W, D) and (B, 1, D)
        return tokens[:, 1:].unflatten(1, size), tokens[:, :1]


class ClassTokenBlock(CeiTBlock):
    """A block that computes only the class token.

    It is the last block if the class token is the only output. LeFF affects
    only the map and is not trained: it would never receive a gradient.
    """

    def __init__(self, spec: CeiTSpec, drop_path_rate: float):
        super().__init__(spec, drop_path_rate)
        if self.is_local:
            self.ffn.requires_grad_(False)

    def forward(self, x: Tensor, cls: Tensor) -> tuple[Tensor, Tensor]:
        """As :class:`CeiTBlock`, but returns the map unchanged."""
        y = cls + self.drop_path(self.attn(self.norm1(join_tokens(x, cls)))[:, :1])
        passed = self.norm2(y)
        return x, y + self.drop_path(passed if self.is_local else self.ffn(passed))


@MODELS.register_module()
class CeiT(StagedBackbone):
    """CeiT: transformer blocks with a conv stem (I2T), convs in the
    feed-forward network (LeFF) and attention over the layers' class tokens
    (LCA).

    Incorporating Convolution Designs into Visual Transformers, Yuan et al.,
    ICCV 2021.

    Args:
        arch (str | dict): 'tiny', 'small', 'base', or a dict of lists with one
            entry. Required are ``dims`` (D), ``depths``, ``num_heads``;
            optional are ``ratios``, default 16, and ``mlp_ratios``, default 4.
            Defaults to 'tiny'.
        in_channels (int): Channels of the image. Defaults to 3.
        img_size (int | Sequence[int]): Image size, in pixels, that the
            position embeddings are stored for; they are resized for images of
            other sizes. Defaults to 224.
        out_type (str): 'featmap' for the map (B, D, H', W'), 'avg_featmap'
            for its mean (B, D), 'cls_token' for the class token (B, D),
            which the published classifier reads. Defaults to 'featmap'.
        out_indices (Sequence[int]): There is one stage. Defaults to (-1,).
        frozen_stages, norm_eval, with_cp: As in :class:`ViTAEv2`.
        drop_rate (float): Dropout in the blocks. Defaults to 0.
        norm_cfg (dict, optional): Norm of stem and LeFF; None for no norm.
            Defaults to ``dict(type='BN')``.
        drop_path_rate (float): Stochastic depth, rising linearly from 0 at
            the first block to this at the last. Defaults to 0.
        stem_conv (bool): Image-to-tokens with a conv stem; False for a plain
            patch embedding. Defaults to True.
        stem_pool (bool): Max-pooling in the stem. Defaults to True.
        stem_norm (bool): Norm in the stem. Defaults to True.
        stem_channels (int): Channels of the stem; 32 in the paper. Defaults
            to 64.
        leff_kernel_size (int): Kernel of the depthwise conv: 1, 3, 5, 7, or 0
            for a plain feed-forward network. Defaults to 3.
        leff_norm (bool): Norms in LeFF. Defaults to True.
        leff_last_act (bool): A GELU after LeFF's last norm, as in the paper's
            equations. Defaults to False.
        lca (bool): Layer-wise class attention; False reads the last class
            token. Defaults to True.
        init_cfg (dict | list[dict], optional): See :class:`StagedBackbone`.

    Raises:
        InputError: For invalid or incompatible options.

    Example:
        >>> model = CeiT('tiny', out_type='cls_token')
        >>> [tuple(m.shape) for m in model(torch.rand(1, 3, 224, 224))]
        [(1, 192)]
    """

    FORMS = (FORM,)

    def __init__(
        self,
        arch: str | dict = 'tiny',
        in_channels: int = 3,
        img_size: int | Sequence[int] = 224,
        out_type: str = 'featmap',
        out_indices: Sequence[int] = (-1,),
        frozen_stages: int = -1,
        norm_eval: bool = False,
        norm_cfg: dict | None = BATCH_NORM,
        with_cp: bool = False,
        drop_path_rate: float = 0.0,
        drop_rate: float = 0.0,
        stem_conv: bool = True,
        stem_pool: bool = True,
        stem_norm: bool = True,
        stem_channels: int = 64,
        leff_kernel_size: int = 3,
        leff_norm: bool = True,
        leff_last_act: bool = False,
        lca: bool = True,
        init_cfg: dict | list[dict] | None = None,
    ):
        check_count('in_channels', in_channels)
        check_rates(drop_path_rate=drop_path_rate)
        check_flags(lca=lca)
        height, width = check_img_size(img_size)
        _, rows = read_arch(arch, self.FORMS)
        if len(rows) > 1:
            raise InputError(f'arch dict: CeiT has one stage, got {len(rows)}: give lists of one.')
        spec = CeiTSpec(
            drop_rate=drop_rate,
            stem_conv=stem_conv,
            stem_pool=stem_pool,
            stem_norm=stem_norm,
            stem_channels=stem_channels,
            leff_kernel_size=leff_kernel_size,
            leff_norm=leff_norm,
            leff_last_act=leff_last_act,
            norm_cfg=norm_cfg,
            **rows[0],
        )
        reduction: nn.Module
        if stem_conv:
            reduction = ImageToTokens(
                in_channels,
                stem_channels,
                spec.dim,
                ratio=spec.ratio,
                pool=stem_pool,
                norm_layer=spec.stem_norm_layer,
            )
        else:
            reduction = PatchEmbedding(in_channels, spec.dim, spec.ratio)
        embedding = TokenEmbedding(
            spec.dim,
            (math.ceil(height / spec.ratio), math.ceil(width / spec.ratio)),
            class_token=True,
            position='learned',
        )
        kinds: list[type[CeiTBlock]] = [CeiTBlock] * spec.depth
        if out_type == 'cls_token':
            kinds[-1] = ClassTokenBlock
        rates = drop_path_ramp(drop_path_rate, spec.depth)
        blocks = [kind(spec, rate) for kind, rate in zip(kinds, rates, strict=True)]
        super().__init__(
            arch=arch,
            stages=[Stage(reduction, blocks, embedding)],
            in_channels=in_channels,
            dim=spec.dim,
            out_type=out_type,
            out_indices=out_indices,
            frozen_stages=frozen_stages,
            norm_eval=norm_eval,
            with_cp=with_cp,
            init_cfg=init_cfg,
            final_norm='pooled',
            class_attention=(
                LayerwiseClassAttention(spec.dim, spec.num_heads, spec.depth) if lca else None
            ),
            least_size=spec.ratio,
        )


register_variants(CeiT, FORM.archs, layout='ceit')
