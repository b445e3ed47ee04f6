"""ViTAE."""

import math
from collections.abc import Sequence
from typing import ClassVar

from vitae_mm.checkpoints import register_variants
from vitae_mm.errors import InputError
from vitae_mm.layers import POSITIONS, TokenEmbedding
from vitae_mm.registry import MODELS

from .backbone import StagedBackbone
from .cells import ClassTokenCell, NormalCell
from .options import BATCH_NORM, check_choice, check_flags, check_img_size
from .spec import ArchForm, read_arch, stage_specs
from .stage import build_stage

# fmt: off
PYRAMID = ArchForm(
    archs={
        # branch_dims: E of the paper, dims: D; the third pyramid alone gives the tokens
        'tiny':  dict(branch_dims=(64, 64, 128), dims=(64, 64, 256),  depths=(0, 0, 7),  num_heads=(1, 1, 4), mlp_ratios=(2, 2, 2), groups=(1, 1, 64)),  # noqa: E501
        '6m':    dict(branch_dims=(64, 64, 128), dims=(64, 64, 256),  depths=(0, 0, 10), num_heads=(1, 1, 4), mlp_ratios=(2, 2, 2), groups=(1, 1, 64)),  # noqa: E501
        '13m':   dict(branch_dims=(64, 64, 160), dims=(64, 64, 320),  depths=(0, 0, 11), num_heads=(1, 1, 5), mlp_ratios=(3, 3, 3), groups=(1, 1, 80)),  # noqa: E501
        'small': dict(branch_dims=(64, 64, 192), dims=(96, 192, 384), depths=(0, 0, 14), num_heads=(1, 1, 6), mlp_ratios=(3, 3, 3), groups=(1, 1, 96)),  # noqa: E501
    },
    shared=dict(
        reductions=('cell', 'cell', 'pyramid'),
        kernel_sizes=(7, 3, 3),
        ratios=(4, 2, 2),
        dilations=((1, 2, 3, 4), (1, 2, 3), (1, 2)),
        reduction_heads=(1, 1, 1),
        reduction_groups=(1, 1, 1),
    ),
    attention=('full',),
    reduction_attention=('performer',),
)
PATCH = ArchForm(
    archs={
        'base':  dict(dims=(768, ),  depths=(12, ), num_heads=(12, ), groups=(192, )),
        'large': dict(dims=(1024, ), depths=(24, ), num_heads=(16, ), groups=(256, )),
        'huge':  dict(dims=(1280, ), depths=(32, ), num_heads=(16, ), groups=(320, )),
    },
    shared=dict(ratios=(16,), mlp_ratios=(4,)),
    fixed=dict(reductions=('patch',)),
    attention=('full',),
)
# fmt: on


@MODELS.register_module()
class ViTAE(StagedBackbone):
    """ViTAE: normal cells on one scale, after two reduction cells and a
    pyramid (T, 6M, 13M, S) or a patch embedding (B, L, H).

    ViTAE: Vision Transformer Advanced by Exploring Intrinsic Inductive Bias,
    Xu et al., NeurIPS 2021; B, L and H: ViTAEv2, Zhang et al., IJCV 2022.

    Args:
        arch (str | dict): 'tiny', '6m', '13m', 'small', 'base', 'large',
            'huge', or a dict of lists with one entry per stage. A dict of the
            form of T to S requires ``branch_dims`` (E), ``dims`` (D),
            ``depths``, ``num_heads``, ``mlp_ratios``, ``groups``; optional
            are ``reductions`` ('cell', 'pyramid', 'patch'), ``kernel_sizes``
            (k), ``ratios`` (r), ``dilations`` (S), ``reduction_heads``,
            ``reduction_groups``. The form of B to H requires ``dims``,
            ``depths``, ``num_heads``, ``groups``; optional are ``ratios``,
            ``mlp_ratios``. Optional entries default to the published ones.
            Defaults to 'tiny'.
        in_channels (int): Channels of the image. Defaults to 3.
        img_size (int | Sequence[int]): Image size, in pixels, that the
            position embeddings are stored for; they are resized for images of
            other sizes. Defaults to 224.
        out_type (str): 'featmap' for maps (B, D, H', W'), 'avg_featmap' for
            the mean over the last map (B, D), which the published classifier
            reads, 'cls_token' for the class token (B, D). Defaults to
            'featmap'.
        out_indices (Sequence[int]): Stages whose maps are returned, at
            strides 4, 8, 16 in T to S; B to H have one stage. Defaults to
            (-1,), the last.
        frozen_stages, norm_eval, norm_cfg, with_cp: As in :class:`ViTAEv2`.
        drop_path_rate, drop_rate: As in :class:`ViTAEv2`.
        reduction_attention (Sequence[str], optional): Attention of each
            reduction cell: 'window', 'full' or 'performer'. Defaults to
            performer.
        attention (Sequence[str], optional): The same for the normal cells of
            each stage that has them. Defaults to full.
        window_size, shift_window, relative_position: As in :class:`ViTAEv2`.
        dilations, reduction_pcm, pcm_kernel_size: As in :class:`ViTAEv2`.
        pcm_fusion, pcm_recompute: As in :class:`ViTAEv2`.
        class_token (bool, optional): Whether there is a class token. Defaults
            to False for T to S, True for B to H, as published.
        position (str, optional): Position embedding: 'learned', 'sinusoid'
            or 'none'. Defaults to 'none' for T to S, 'learned' for B to H.
        final_norm (str, optional): LayerNorm on all 'tokens', on the 'pooled'
            mean or class token, or 'none'. Defaults to 'none' for T to S,
            'pooled' for B to H. The NeurIPS paper's reading is
            ``class_token=True, position='sinusoid', final_norm='tokens',
            out_type='cls_token'``.
        init_cfg (dict | list[dict], optional): See :class:`StagedBackbone`.

    Raises:
        InputError: For invalid or incompatible options.

    Example:
        >>> model = ViTAE('tiny', out_type='avg_featmap')
        >>> [tuple(m.shape) for m in model(torch.rand(1, 3, 224, 224))]
        [(1, 256)]
    """

    FORMS = (PYRAMID, PATCH)
    CELL: ClassVar[type[NormalCell]] = NormalCell
    """Class of the normal cells."""

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
        reduction_attention: Sequence[str] | None = None,
        attention: Sequence[str] | None = None,
        window_size: int = 7,
        shift_window: bool = False,
        relative_position: bool = False,
        dilations: Sequence[Sequence[int]] | None = None,
        reduction_pcm: bool = True,
        pcm_kernel_size: int = 3,
        pcm_fusion: str = 'before_ffn',
        pcm_recompute: bool | None = None,
        class_token: bool | None = None,
        position: str | None = None,
        final_norm: str | None = None,
        init_cfg: dict | list[dict] | None = None,
    ):
        if final_norm == 'pooled' and out_type == 'featmap':
            raise InputError(
                "final_norm='pooled' normalizes the mean or the class token: leave it out with "
                "out_type='featmap', or give 'tokens'."
            )
        form, rows = read_arch(arch, self.FORMS)
        is_patch = form.fixed == PATCH.fixed
        # what differs between the published T to S and B to H
        if class_token is None:
            class_token = is_patch
        if position is None:
            position = 'learned' if is_patch else 'none'
        if final_norm is None:
            final_norm = 'pooled' if is_patch else 'none'
        check_flags(class_token=class_token)
        check_choice('position', position, POSITIONS)
        specs = stage_specs(
            form,
            rows,
            in_channels=in_channels,
            dilations=dilations,
            attention=attention,
            reduction_attention=reduction_attention,
            drop_path_rate=drop_path_rate,
            norm_cfg=norm_cfg,
            drop_rate=drop_rate,
            window_size=window_size,
            shift_window=shift_window,
            relative_position=relative_position,
            reduction_pcm=reduction_pcm,
            pcm_kernel_size=pcm_kernel_size,
            pcm_fusion=pcm_fusion,
            pcm_recompute=pcm_recompute,
            pcm_first_norm=is_patch,
            pcm_last_act=not is_patch,
            pcm_shallow=is_patch,
        )
        last = specs[-1]
        if class_token and last.attention == 'window':
            raise InputError(
                f'attention={attention!r}: windows have no place for a class token; give '
                "class_token=False, or 'full' or 'performer'."
            )
        stride = math.prod(spec.ratio for spec in specs)
        height, width = check_img_size(img_size)
        stages = [build_stage(spec, cell=self.CELL) for spec in specs[:-1]]
        last_cell = ClassTokenCell if out_type == 'cls_token' else None
        stages.append(build_stage(last, cell=self.CELL, last_cell=last_cell))
        if class_token or position != 'none':
            # after the cells: saved optimizer states depend on the order of the parameters
            stages[-1].embedding = TokenEmbedding(
                last.dim,
                (math.ceil(height / stride), math.ceil(width / stride)),
                class_token=class_token,
                position=position,
            )
        super().__init__(
            arch=arch,
            stages=stages,
            in_channels=in_channels,
            dim=last.dim,
            out_type=out_type,
            out_indices=out_indices,
            frozen_stages=frozen_stages,
            norm_eval=norm_eval,
            with_cp=with_cp,
            init_cfg=init_cfg,
            final_norm=final_norm,
            least_size=stride,
        )


register_variants(ViTAE, PYRAMID.archs, layout='vitae')
register_variants(ViTAE, PATCH.archs, layout='vitae_patch')
