"""From a table of stages and options to the cells of ViTAE and ViTAEv2."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from mmcv.cnn import build_norm_layer
from torch import nn

from vitae_mm.errors import InputError
from vitae_mm.layers import (
    FeedForward,
    FullAttention,
    ParallelConv,
    PatchEmbedding,
    PerformerAttention,
    PyramidReduction,
    WindowAttention,
)

from .arch import ArchTable
from .cells import NormalCell, ReductionCell
from .options import (
    FUSIONS,
    check_attention,
    check_choice,
    check_count,
    check_drop,
    check_flags,
    is_count,
)
from .stage import Stage

PERFORMER_DROP = 0.1
"""Least dropout behind projection and FFN of reduction cells with Performer
attention, as the published networks have it."""

PCM_KERNELS = (0, 1, 3)

WINDOW = 7
"""Cells along one side of a published window."""

NormLayer = Callable[[int], nn.Module] | None


@dataclass(frozen=True)
class ParallelConvForm:
    """The forms of parallel convs (PCM) in the published networks.

    Args:
        norm_first: In a reduction cell, a norm after the first conv too.
        act_last: A SiLU after the last conv too.
        shallow: In a normal cell, two convs instead of three.
    """

    norm_first: bool = True
    act_last: bool = False
    shallow: bool = False


@dataclass(frozen=True)
class CellOptions:
    """What a backbone's options say about its cells; see :class:`ViTAE`."""

    norm_cfg: dict | None
    drop_path_rate: float
    drop_rate: float
    attention: Sequence[str] | None
    reduction_attention: Sequence[str] | None
    window_size: int
    shift_window: bool
    relative_position: bool
    reduction_pcm: bool
    pcm_kernel_size: int
    pcm_fusion: str

    def __post_init__(self):
        check_count('window_size', self.window_size)
        check_choice('pcm_kernel_size', self.pcm_kernel_size, PCM_KERNELS)
        check_choice('pcm_fusion', self.pcm_fusion, FUSIONS)
        check_flags(
            shift_window=self.shift_window,
            relative_position=self.relative_position,
            reduction_pcm=self.reduction_pcm,
        )
        check_drop(drop_path_rate=self.drop_path_rate, drop_rate=self.drop_rate)


def build_stages(
    stages: Mapping[str, Sequence], form: ArchTable, in_channels: int, options: CellOptions
) -> list[Stage]:
    """All stages of a network.

    Args:
        stages: As :func:`resolve_arch` gives it.
        form: Its settings ``attention``, ``reduction_attention`` (published
            kinds, one a stage) and ``pcm_form`` are read.
        in_channels: Channels of the image.
        options: Options of the cells.

    Raises:
        InputError: For attention kinds that do not fit the stages, and for
            options that no cell of this network has.
    """
    reducing = [i for i, kind in enumerate(stages['reductions']) if kind == 'cell']
    normal = [i for i, depth in enumerate(stages['depths']) if depth]
    reduction_kinds = _attention_kinds(
        'reduction_attention',
        options.reduction_attention,
        form,
        stages,
        reducing,
        'reduction_heads',
    )
    kinds = _attention_kinds('attention', options.attention, form, stages, normal, 'num_heads')
    _check_used(options, kinds, reduction_kinds, stages['depths'])
    norm_layer = norm_builder(options.norm_cfg, _norm_widths(stages, form, options))
    drop_path_rates = iter(linear_ramp(options.drop_path_rate, sum(stages['depths'])))
    built, in_dim = [], in_channels
    for i in range(len(stages['dims'])):
        stage = {key: values[i] for key, values in stages.items()}
        reduction = _build_reduction(
            stage, in_dim, reduction_kinds.get(i), form, norm_layer, options
        )
        cells = [
            _build_normal_cell(
                stage,
                kinds[i],
                options.shift_window and j % 2 == 1,
                form,
                norm_layer,
                next(drop_path_rates),
                options,
            )
            for j in range(stage['depths'])
        ]
        built.append(Stage(reduction, cells))
        in_dim = stage['dims']
    return built


def norm_builder(norm_cfg: dict | None, widths: Sequence[int]) -> NormLayer:
    """Channels -> norm of ``norm_cfg``; None for none.

    Args:
        norm_cfg: As mmcv reads it.
        widths: All channel numbers that will be asked for.

    Raises:
        InputError: For groups that do not divide every width; when called, if
            the config gives no such norm.
    """
    if norm_cfg is None:
        return None
    if isinstance(norm_cfg, Mapping) and is_count(norm_cfg.get('num_groups')):
        _check_groups(norm_cfg, widths)
    return partial(_build_norm, norm_cfg)


def linear_ramp(last: float, count: int) -> list[float]:
    """``count`` rates that rise linearly from 0 to ``last``, which a single one is."""
    return [last * i / (count - 1) for i in range(count)] if count > 1 else [last] * count


def reduction_strides(ratio: int) -> tuple[int, int, int]:
    """Strides of the three parallel convs beside a reduction by ``ratio``:
    2 for as many leading convs as it takes, then 1."""
    halvings = ratio.bit_length() - 1
    return tuple(2 if i < halvings else 1 for i in range(3))


def _attention_kinds(
    name: str,
    given: Sequence[str] | None,
    form: ArchTable,
    stages: Mapping[str, Sequence],
    chosen: Sequence[int],
    heads: str,
) -> dict[int, str]:
    """Stage -> attention kind, for the chosen stages."""
    if given is None:
        published = form.settings.get(name, ())
        # a custom arch may have more stages: they go on as the last
        given = [published[min(i, len(published) - 1)] for i in chosen]
    kinds = check_attention(
        name,
        given,
        [stages['dims'][i] for i in chosen],
        [stages[heads][i] for i in chosen] if chosen else (),
    )
    return dict(zip(chosen, kinds))


def _norm_widths(
    stages: Mapping[str, Sequence], form: ArchTable, options: CellOptions
) -> list[int]:
    """Channels of the norms in all parallel convs."""
    widths = []
    if options.reduction_pcm:
        widths += [
            width
            for width, kind in zip(stages.get('branch_dims', ()), stages['reductions'])
            if kind == 'cell'
        ]
    if options.pcm_kernel_size:
        for dim, ratio, depth in zip(stages['dims'], stages['mlp_ratios'], stages['depths']):
            if depth:
                widths += [int(dim * ratio)] + [dim] * (not form.settings['pcm_form'].shallow)
    return widths


def _check_used(
    options: CellOptions,
    kinds: Mapping[int, str],
    reduction_kinds: Mapping[int, str],
    depths: Sequence[int],
) -> None:
    normal = set(kinds.values())
    every = normal | set(reduction_kinds.values())
    # reduction cells are never shifted
    for name, unset, used in (
        ('shift_window', False, normal),
        ('relative_position', False, every),
        ('window_size', WINDOW, every),
    ):
        if getattr(options, name) != unset and 'window' not in used:
            raise InputError(
                f'{name}={getattr(options, name)}: no stage has window attention; '
                "give attention=['window', ...] as well."
            )
    if options.shift_window and not any(kinds[i] == 'window' and depths[i] > 1 for i in kinds):
        raise InputError(
            f'shift_window=True: of depths {list(depths)} no stage with window '
            'attention has a second cell, which would be shifted; leave it out.'
        )
    if not reduction_kinds and not options.reduction_pcm:
        raise InputError('reduction_pcm=False: this arch has no reduction cells; leave it out.')
    if options.pcm_fusion != 'before_ffn' and not options.pcm_kernel_size:
        raise InputError(
            f'pcm_fusion={options.pcm_fusion!r}: with pcm_kernel_size=0 there is '
            'nothing to fuse; leave it out.'
        )


def _build_attention(
    kind: str,
    in_dim: int,
    dim: int,
    num_heads: int,
    options: CellOptions,
    drop_rate: float,
    shifted: bool = False,
    reduction: bool = False,
) -> nn.Module:
    """A reduction cell's full attention has no qkv bias and adds the values
    to its output, as the published weights have it."""
    if kind == 'window':
        return WindowAttention(
            in_dim,
            dim,
            num_heads,
            options.window_size,
            shifted,
            options.relative_position,
            drop_rate,
        )
    if kind == 'full':
        return FullAttention(
            in_dim,
            dim,
            num_heads,
            qkv_bias=not reduction,
            value_skip=reduction,
            drop_rate=drop_rate,
        )
    return PerformerAttention(in_dim, dim, num_heads, drop_rate)


def _build_reduction(
    stage: Mapping,
    in_dim: int,
    kind: str | None,
    form: ArchTable,
    norm_layer: NormLayer,
    options: CellOptions,
) -> nn.Module:
    dim, ratio = stage['dims'], stage['ratios']
    if stage['reductions'] == 'patch':
        return PatchEmbedding(in_dim, dim, ratio)
    branch_dim, dilations = stage['branch_dims'], stage['dilations']
    prm = PyramidReduction(in_dim, branch_dim, stage['kernel_sizes'], ratio, dilations)
    if stage['reductions'] == 'pyramid':
        return prm
    pcm = None
    if options.reduction_pcm:
        pcm = ParallelConv(
            in_dim,
            (branch_dim, branch_dim),
            dim,
            stage['reduction_groups'],
            reduction_strides(ratio),
            norm_layer=norm_layer,
            norm_first=form.settings['pcm_form'].norm_first,
            act_last=form.settings['pcm_form'].act_last,
        )
    drop_rate = options.drop_rate
    if kind == 'performer':
        drop_rate = max(drop_rate, PERFORMER_DROP)
    pyramid_dim = branch_dim * len(dilations)
    attn = _build_attention(
        kind, pyramid_dim, dim, stage['reduction_heads'], options, drop_rate, reduction=True
    )
    ffn = FeedForward(dim, dim, drop_rate, hidden_drop_rate=options.drop_rate)
    return ReductionCell(prm, pyramid_dim, dim, attn, pcm, ffn)


def _build_normal_cell(
    stage: Mapping,
    kind: str,
    shifted: bool,
    form: ArchTable,
    norm_layer: NormLayer,
    drop_path_rate: float,
    options: CellOptions,
) -> NormalCell:
    dim, pcm_form = stage['dims'], form.settings['pcm_form']
    hidden_dim = int(dim * stage['mlp_ratios'])
    pcm = None
    if options.pcm_kernel_size:
        pcm = ParallelConv(
            dim,
            (hidden_dim,) if pcm_form.shallow else (hidden_dim, dim),
            dim,
            stage['groups'],
            kernel_size=options.pcm_kernel_size,
            norm_layer=norm_layer,
            act_last=pcm_form.act_last,
        )
    attn = _build_attention(kind, dim, dim, stage['num_heads'], options, options.drop_rate, shifted)
    ffn = FeedForward(dim, hidden_dim, options.drop_rate)
    return NormalCell(dim, attn, pcm, ffn, drop_path_rate, options.pcm_fusion == 'after_ffn')


def _check_groups(norm_cfg: Mapping, widths: Sequence[int]) -> None:
    refused = next((width for width in widths if width % norm_cfg['num_groups']), None)
    if refused is not None:
        fitting = [n for n in range(1, min(widths) + 1) if math.gcd(*widths) % n == 0]
        raise InputError(
            f'norm_cfg={norm_cfg!r} gives no norm of {refused} channels: give a '
            f'num_groups that divides every width {sorted(set(widths))}, one of '
            f'{fitting}.'
        )


def _build_norm(norm_cfg: dict, channels: int) -> nn.Module:
    try:
        return build_norm_layer(norm_cfg, channels)[1]
    except (
        AssertionError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        ZeroDivisionError,
    ) as error:
        raise InputError(
            f'norm_cfg={norm_cfg!r} gives no norm of {channels} channels ({error}): '
            "give, for example, dict(type='BN'), dict(type='SyncBN'), "
            "dict(type='GN', num_groups=32), or None for no norm."
        ) from error
