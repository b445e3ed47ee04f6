from collections.abc import Sequence
from functools import partial

from mmcv.cnn import build_norm_layer
from torch import nn

from vitae_mm.errors import InputError
from vitae_mm.registry import MODELS

from .base_backbone import Stage, StagedBackbone
from .cells import NormalCell, ReductionCell, WindowOptions, linear_ramp
from .options import check_attention, check_drop, check_window, resolve_arch

# yapf: disable
ARCHS = {
    # branch_dims: E of the paper, dims: D
    'small': dict(branch_dims=(64, 64, 128, 256), dims=(64, 128, 256, 512),  depths=(2, 2, 8, 2),  num_heads=(1, 2, 4, 8),  reduction_heads=(1, 1, 2, 4)),  # noqa: E501
    '48m':   dict(branch_dims=(64, 64, 192, 384), dims=(96, 192, 384, 768),  depths=(2, 2, 11, 2), num_heads=(1, 2, 4, 8),  reduction_heads=(1, 1, 2, 4)),  # noqa: E501
    'base':  dict(branch_dims=(96, 96, 256, 512), dims=(128, 256, 512, 1024), depths=(2, 2, 12, 2), num_heads=(1, 4, 8, 16), reduction_heads=(1, 1, 4, 8)),  # noqa: E501
}
DEFAULTS = dict(
    kernel_sizes=(7, 3, 3, 3),
    ratios=(4, 2, 2, 2),
    dilations=((1, 2, 3, 4), (1, 2, 3), (1, 2), (1, 2)),
    reduction_groups=(1, 16, 32, 64),
    groups=(1, 32, 64, 128),
    mlp_ratios=(4, 4, 4, 4),
)
"""What every arch shares; a custom arch may set its own."""
# yapf: enable


@MODELS.register_module()
class ViTAEv2(StagedBackbone):
    """ViTAEv2: four stages of a reduction cell and normal cells.

    ViTAEv2: Vision Transformer Advanced by Exploring Inductive Bias for Image
    Recognition and Beyond, Zhang et al., IJCV 2022.

    Args:
        arch (str | dict): 'small', '48m', 'base', or a dict with one entry a
            stage for each of ``branch_dims`` (E), ``dims`` (D), ``depths``,
            ``num_heads``, ``reduction_heads``, and, if they differ from the
            published networks, ``kernel_sizes``, ``ratios``, ``dilations``,
            ``reduction_groups``, ``groups``, ``mlp_ratios``. Defaults to
            'small'.
        in_channels (int): Channels of the image. Defaults to 3.
        out_indices (Sequence[int]): Stages whose maps are returned. Later
            stages are not built. Defaults to (-1, ), the last.
        frozen_stages (int): Number of leading stages that are not trained
            and stay in eval mode; -1 and 0 freeze none. Defaults to -1.
        norm_eval (bool): Keep all batch norms in eval mode. Defaults to
            False.
        norm_cfg (dict): Norm of the parallel convs. Defaults to
            ``dict(type='BN')``.
        with_cp (bool): Recompute each cell in the backward pass to save
            memory. Defaults to False.
        drop_path_rate (float): Stochastic depth, rising linearly from 0 at
            the first normal cell to this at the last. Defaults to 0.
        drop_rate (float): Dropout after the attention's projection and in
            the FFN. Defaults to 0.
        reduction_attention (Sequence[str], optional): Attention of each
            stage's reduction cell: 'window', 'full' or 'performer'. Defaults
            to window in the first two stages and full in the rest.
        attention (Sequence[str], optional): The same for the normal cells.
        window_size (int): Cells along one side of a window. Defaults to 7.
        shift_window (bool): Shift the windows of every second normal cell
            (Swin Transformer). Defaults to False.
        relative_position (bool): Learned bias for the offsets within a
            window (Swin Transformer). Defaults to False.
        init_cfg (dict | list[dict], optional): See :class:`StagedBackbone`.

    Raises:
        InputError: For a value that is not one of the above.

    Example:
        >>> model = ViTAEv2('small', out_indices=(0, 1, 2, 3))
        >>> [tuple(m.shape) for m in model(torch.rand(1, 3, 200, 333))]
        [(1, 64, 50, 84), (1, 128, 25, 42), (1, 256, 13, 21), (1, 512, 7, 11)]
    """

    def __init__(self,
                 arch: str | dict = 'small',
                 in_channels: int = 3,
                 out_indices: Sequence[int] = (-1, ),
                 frozen_stages: int = -1,
                 norm_eval: bool = False,
                 norm_cfg: dict = dict(type='BN'),
                 with_cp: bool = False,
                 drop_path_rate: float = 0.,
                 drop_rate: float = 0.,
                 reduction_attention: Sequence[str] | None = None,
                 attention: Sequence[str] | None = None,
                 window_size: int = 7,
                 shift_window: bool = False,
                 relative_position: bool = False,
                 init_cfg: dict | list[dict] | None = None):
        arch = resolve_arch(arch, ARCHS, DEFAULTS, in_channels)
        count = len(arch['dims'])
        default_attention = ('window', 'window', 'full', 'full')[:count]
        reduction_attention = check_attention('reduction_attention',
                                              reduction_attention or default_attention,
                                              arch['dims'], arch['reduction_heads'])
        attention = check_attention('attention', attention or default_attention, arch['dims'],
                                    arch['num_heads'])
        check_window(window_size)
        check_drop(drop_path_rate=drop_path_rate, drop_rate=drop_rate)
        norm_layer = partial(_build_norm, norm_cfg)
        drop_path_rates = iter(linear_ramp(drop_path_rate, sum(arch['depths'])))

        stages = []
        for i in range(count):
            dim = arch['dims'][i]
            reduction = ReductionCell(
                in_dim=arch['dims'][i - 1] if i else in_channels,
                branch_dim=arch['branch_dims'][i],
                dim=dim,
                num_heads=arch['reduction_heads'][i],
                kernel_size=arch['kernel_sizes'][i],
                ratio=arch['ratios'][i],
                dilations=arch['dilations'][i],
                groups=arch['reduction_groups'][i],
                attention=reduction_attention[i],
                window=WindowOptions(window_size, False, relative_position),
                norm_layer=norm_layer,
                drop_rate=drop_rate)
            cells = [
                NormalCell(
                    dim=dim,
                    num_heads=arch['num_heads'][i],
                    groups=arch['groups'][i],
                    mlp_ratio=arch['mlp_ratios'][i],
                    attention=attention[i],
                    window=WindowOptions(window_size, shift_window and j % 2 == 1,
                                         relative_position),
                    norm_layer=norm_layer,
                    drop_path_rate=next(drop_path_rates),
                    drop_rate=drop_rate) for j in range(arch['depths'][i])
            ]
            stages.append(Stage(reduction, cells))
        super().__init__(stages, out_indices, frozen_stages, norm_eval, with_cp, init_cfg)


def _build_norm(norm_cfg: dict, channels: int) -> nn.Module:
    try:
        return build_norm_layer(norm_cfg, channels)[1]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f'norm_cfg={norm_cfg!r} gives no norm of {channels} channels ({error}): '
                         "give, for example, dict(type='BN'), dict(type='SyncBN') or "
                         "dict(type='GN', num_groups=32).") from error
