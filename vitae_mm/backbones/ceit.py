import math
from collections.abc import Sequence

from vitae_mm.errors import InputError
from vitae_mm.layers import (
    FeedForward,
    FullAttention,
    ImageToTokens,
    LayerwiseClassAttention,
    LocalFeedForward,
    PatchEmbedding,
    TokenEmbedding,
)
from vitae_mm.registry import MODELS

from .arch import ArchTable, resolve_arch
from .base_backbone import StagedBackbone
from .build import linear_ramp, norm_builder
from .cells import NormalCell
from .options import check_choice, check_count, check_drop, check_flags, check_img_size
from .stage import Stage

# yapf: disable
ARCHS = ArchTable(
    archs={
        'tiny':  dict(dims=(192, ), depths=(12, ), num_heads=(3, )),
        'small': dict(dims=(384, ), depths=(12, ), num_heads=(6, )),
        'base':  dict(dims=(768, ), depths=(12, ), num_heads=(12, )),
    },
    shared=dict(
        reductions=('patch', ),
        ratios=(16, ),
        mlp_ratios=(4, ),
    ),
    settings=dict(layout='ceit'))
# yapf: enable

LEFF_KERNELS = (0, 1, 3, 5, 7)


@MODELS.register_module()
class CeiT(StagedBackbone):
    """CeiT: transformer blocks with a conv stem (I2T), convs in the
    feed-forward network (LeFF) and attention over the layers' class tokens
    (LCA).

    Incorporating Convolution Designs into Visual Transformers, Yuan et al.,
    ICCV 2021.

    Args:
        arch (str | dict): 'tiny', 'small', 'base', or a dict with a list of
            one entry for each of ``dims`` (D), ``depths``, ``num_heads``,
            and, if they differ from the published networks, ``ratios`` (16)
            and ``mlp_ratios`` (4). Defaults to 'tiny'.
        in_channels (int): Channels of the image. Defaults to 3.
        img_size (int | Sequence[int]): Image size, in pixels, that the
            position embeddings are stored for; others are taken all the
            same. Defaults to 224.
        out_type (str): 'featmap' for the map (B, D, H', W'), 'avg_featmap'
            for its mean (B, D), 'cls_token' for the class token (B, D),
            which the published classifier reads. Defaults to 'featmap'.
        out_indices (Sequence[int]): There is one stage. Defaults to (-1, ).
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
        leff_last_act (bool): A GELU behind LeFF's last norm, as the paper's
            equations have it. Defaults to False.
        lca (bool): Layer-wise class attention; False reads the last class
            token. Defaults to True.
        init_cfg (dict | list[dict], optional): See :class:`StagedBackbone`.

    Raises:
        InputError: For a value that is not one of the above.

    Example:
        >>> model = CeiT('tiny', out_type='cls_token')
        >>> [tuple(m.shape) for m in model(torch.rand(1, 3, 224, 224))]
        [(1, 192)]
    """

    TABLES = (ARCHS,)

    def __init__(
        self,
        arch: str | dict = 'tiny',
        in_channels: int = 3,
        img_size: int | Sequence[int] = 224,
        out_type: str = 'featmap',
        out_indices: Sequence[int] = (-1,),
        frozen_stages: int = -1,
        norm_eval: bool = False,
        norm_cfg: dict | None = dict(type='BN'),
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
        table, _ = resolve_arch(arch, self.TABLES, in_channels)
        dim, depth, heads, ratio, mlp_ratio = (
            table[key][0] for key in ('dims', 'depths', 'num_heads', 'ratios', 'mlp_ratios')
        )
        check_choice('leff_kernel_size', leff_kernel_size, LEFF_KERNELS)
        check_count('stem_channels', stem_channels)
        check_flags(
            stem_conv=stem_conv,
            stem_pool=stem_pool,
            stem_norm=stem_norm,
            leff_norm=leff_norm,
            leff_last_act=leff_last_act,
            lca=lca,
        )
        check_drop(drop_path_rate=drop_path_rate, drop_rate=drop_rate)
        if not stem_conv and not (stem_pool and stem_norm and stem_channels == 64):
            raise InputError(
                'stem_conv=False: a plain patch embedding has no pooling, norm or '
                'channels to set; leave those options out.'
            )
        if not leff_kernel_size and (leff_last_act or not leff_norm):
            raise InputError(
                'leff_kernel_size=0: a plain feed-forward network has no norms and '
                'no last GELU; leave leff_norm and leff_last_act out.'
            )
        if stem_conv and ratio % (4 if stem_pool else 2):
            raise InputError(
                f'ratios={table["ratios"]}: the stem alone shrinks by '
                f'{4 if stem_pool else 2}; give a multiple, or stem_conv=False.'
            )
        hidden_dim = int(dim * mlp_ratio)
        widths = [stem_channels] * (stem_conv and stem_norm)
        widths += [hidden_dim, dim] * bool(leff_kernel_size and leff_norm)
        norm_layer = norm_builder(norm_cfg, widths)

        def feed_forward() -> FeedForward | LocalFeedForward:
            if not leff_kernel_size:
                return FeedForward(dim, hidden_dim, drop_rate)
            return LocalFeedForward(
                dim,
                hidden_dim,
                leff_kernel_size,
                norm_layer if leff_norm else None,
                leff_last_act,
                drop_rate,
            )

        if stem_conv:
            reduction = ImageToTokens(
                in_channels, stem_channels, dim, ratio, stem_pool, norm_layer if stem_norm else None
            )
        else:
            reduction = PatchEmbedding(in_channels, dim, ratio)
        grid = tuple(math.ceil(side / ratio) for side in check_img_size(img_size))
        embedding = TokenEmbedding(dim, grid, class_token=True, position='learned')
        cells = [
            NormalCell(
                dim, FullAttention(dim, dim, heads, drop_rate=drop_rate), None, feed_forward(), rate
            )
            for rate in linear_ramp(drop_path_rate, depth)
        ]
        class_attention = LayerwiseClassAttention(dim, heads, depth) if lca else None
        super().__init__(
            arch,
            [Stage(reduction, cells, embedding)],
            in_channels,
            out_type,
            out_indices,
            frozen_stages,
            norm_eval,
            with_cp,
            init_cfg,
            final_norm='pooled',
            class_attention=class_attention,
            least_size=ratio,
        )
