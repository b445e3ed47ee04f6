"""ViTAEv2."""

from collections.abc import Sequence

from vitae_mm.checkpoints import register_variants
from vitae_mm.registry import MODELS

from .backbone import StagedBackbone
from .options import BATCH_NORM
from .spec import ArchForm, read_arch, stage_specs
from .stage import build_stage

# fmt: off
FORM = ArchForm(
    archs={
        # branch_dims: E of the paper, dims: D
        'small': dict(branch_dims=(64, 64, 128, 256), dims=(64, 128, 256, 512),   depths=(2, 2, 8, 2),  num_heads=(1, 2, 4, 8),  reduction_heads=(1, 1, 2, 4)),  # noqa: E501
        '48m':   dict(branch_dims=(64, 64, 192, 384), dims=(96, 192, 384, 768),   depths=(2, 2, 11, 2), num_heads=(1, 2, 4, 8),  reduction_heads=(1, 1, 2, 4)),  # noqa: E501
        'base':  dict(branch_dims=(96, 96, 256, 512), dims=(128, 256, 512, 1024), depths=(2, 2, 12, 2), num_heads=(1, 4, 8, 16), reduction_heads=(1, 1, 4, 8)),  # noqa: E501
    },
    shared=dict(
        reductions=('cell', 'cell', 'cell', 'cell'),
        kernel_sizes=(7, 3, 3, 3),
        ratios=(4, 2, 2, 2),
        dilations=((1, 2, 3, 4), (1, 2, 3), (1, 2), (1, 2)),
        reduction_groups=(1, 16, 32, 64),
        groups=(1, 32, 64, 128),
        mlp_ratios=(4, 4, 4, 4),
    ),
    attention=('window', 'window', 'full', 'full'),
    reduction_attention=('window', 'window', 'full', 'full'),
)
# fmt: on


@MODELS.register_module()
class ViTAEv2(StagedBackbone):
    """ViTAEv2: four stages of a reduction cell and normal cells.

    ViTAEv2: Vision Transformer Advanced by Exploring Inductive Bias for Image
    Recognition and Beyond, Zhang et al., IJCV 2022.

    Args:
        arch (str | dict): 'small', '48m', 'base', or a dict of lists with one entry
            per stage. Required are ``branch_dims`` (E), ``dims`` (D),
            ``depths``, ``num_heads``, ``reduction_heads``; optional, with the
            published values as defaults, are ``kernel_sizes`` (k), ``ratios``
            (r), ``dilations`` (S), ``reductions`` ('cell', 'pyramid',
            'patch'), ``reduction_groups``, ``groups``, ``mlp_ratios``.
            Defaults to 'small'.
        in_channels (int): Channels of the image. Defaults to 3.
        out_type (str): 'featmap' for maps (B, D, H', W'), 'avg_featmap' for
            the mean over the last map (B, D), which the published classifier
            reads. Defaults to 'featmap'.
        out_indices (Sequence[int]): Stages whose maps are returned. Later
            stages are not built. Defaults to (-1,), the last.
        frozen_stages (int): Number of leading stages that are not trained
            and stay in eval mode; -1 and 0 freeze none. Defaults to -1.
        norm_eval (bool): Keep all batch norms in eval mode. Defaults to
            False.
        norm_cfg (dict, optional): Norm of the parallel convs; None for no
            norm. Defaults to ``dict(type='BN')``.
        with_cp (bool): Recompute each cell in the backward pass: stores only
            the maps between cells. Defaults to False.
        drop_path_rate (float): Stochastic depth, rising linearly from 0 at
            the first normal cell to this at the last. Defaults to 0.
        drop_rate (float): Dropout after the attention's projection and in
            the FFN. Reduction cells with Performer attention have at least
            0.1 after both, as published. Defaults to 0.
        reduction_attention (Sequence[str], optional): Attention of each
            reduction cell: 'window', 'full' or 'performer'. Defaults to
            window in the first two stages and full in the rest.
        attention (Sequence[str], optional): The same for the normal cells of
            each stage, with the same default.
        window_size (int): Side of an attention window, in tokens. Defaults
            to 7.
        shift_window (bool): Shift the windows of every second normal cell
            (Swin Transformer). Defaults to False.
        relative_position (bool): Learn a bias for each offset within a
            window (Swin Transformer). Defaults to False.
        dilations (Sequence[Sequence[int]], optional): Dilations of each
            reduction cell (S). Defaults to those of the arch.
        reduction_pcm (bool): Parallel convs in the reduction cells. Defaults
            to True.
        pcm_kernel_size (int): Kernel of the normal cells' parallel convs: 3,
            1, or 0 for no parallel convs. Defaults to 3.
        pcm_fusion (str): Normal cells add their parallel convs 'before_ffn'
            or 'after_ffn'. Defaults to 'before_ffn'.
        pcm_recompute (bool, optional): Recompute norms and activations of the
            parallel convs in the backward pass, but no convs; also within
            the cells that ``with_cp`` recomputes. Defaults to True on CPUs
            and False on GPUs.
        init_cfg (dict | list[dict], optional): See :class:`StagedBackbone`.

    Raises:
        InputError: For invalid or incompatible options.

    Example:
        >>> model = ViTAEv2('small', out_indices=(0, 1, 2, 3))
        >>> [tuple(m.shape) for m in model(torch.rand(1, 3, 200, 333))]
        [(1, 64, 50, 84), (1, 128, 25, 42), (1, 256, 13, 21), (1, 512, 7, 11)]
    """

    FORMS = (FORM,)

    def __init__(
        self,
        arch: str | dict = 'small',
        in_channels: int = 3,
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
        init_cfg: dict | list[dict] | None = None,
    ):
        form, rows = read_arch(arch, self.FORMS)
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
        )
        super().__init__(
            arch=arch,
            stages=[build_stage(spec) for spec in specs],
            in_channels=in_channels,
            dim=specs[-1].dim,
            out_type=out_type,
            out_indices=out_indices,
            frozen_stages=frozen_stages,
            norm_eval=norm_eval,
            with_cp=with_cp,
            init_cfg=init_cfg,
        )


register_variants(ViTAEv2, FORM.archs, layout='vitaev2')
