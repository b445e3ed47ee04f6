"""Typed, validated descriptions of the stages of ViTAE and ViTAEv2, made from an arch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from vitae_mm.errors import InputError

from .options import (
    NormLayer,
    check_choice,
    check_count,
    check_flags,
    check_num_groups,
    check_rates,
    drop_path_ramp,
    is_count,
    norm_builder,
)

Arch = Mapping[str, Sequence]
"""An arch dict: each key has a list with one entry per stage."""

ATTENTIONS = ('window', 'full', 'performer')
REDUCTIONS = ('cell', 'pyramid', 'patch')
RATIOS = (1, 2, 4, 8)
PCM_KERNELS = (0, 1, 3)
FUSIONS = ('before_ffn', 'after_ffn')

MAX_PERFORMER_HEAD = 256
"""Maximum channels per head; with more, the random features exceed the range of float32."""

FIELDS = {
    'dims': 'dim',
    'depths': 'depth',
    'num_heads': 'num_heads',
    'mlp_ratios': 'mlp_ratio',
    'groups': 'groups',
    'reductions': 'reduction',
    'ratios': 'ratio',
    'kernel_sizes': 'kernel_size',
    'dilations': 'dilations',
    'branch_dims': 'branch_dim',
    'reduction_heads': 'reduction_heads',
    'reduction_groups': 'reduction_groups',
}
"""Key of an arch dict -> field of a stage."""


@dataclass(frozen=True, kw_only=True)
class StageSpec:
    """A stage of ViTAE or ViTAEv2; the papers' symbols are in parentheses.

    Attributes:
        index: Position in the network, from 0.
        in_dim: Input channels.
        dim: Channels of the map (D).
        depth: Number of normal cells.
        num_heads: Attention heads of the normal cells.
        mlp_ratio: Hidden channels of a normal cell's FFN and parallel convs,
            as a multiple of ``dim``.
        groups: Groups of the normal cells' parallel convs.
        attention: Attention of the normal cells, one of ``ATTENTIONS``.
        reduction: 'cell' for a reduction cell, 'pyramid' for only its
            pyramid, 'patch' for a patch embedding.
        ratio: Downsampling ratio (r).
        kernel_size: Kernel of the pyramid's convs (k).
        dilations: Dilation of each branch of the pyramid (S).
        branch_dim: Channels of each branch of the pyramid (E).
        reduction_heads: Attention heads of the reduction cell.
        reduction_groups: Groups of the reduction cell's parallel convs.
        reduction_attention: Attention of the reduction cell.
        drop_path_rates: Stochastic depth of each normal cell.
        pcm_first_norm: Whether the first parallel conv of the reduction cell
            has a norm.
        pcm_last_act: Whether a SiLU follows the last parallel conv.
        pcm_shallow: Whether normal cells have two parallel convs, not three.
        drop_rate, window_size, shift_window, relative_position,
            reduction_pcm, pcm_kernel_size, pcm_fusion, pcm_recompute,
            norm_cfg: As in :class:`ViTAEv2`.

    Raises:
        InputError: For unknown values, and numbers that do not divide.
    """

    index: int
    in_dim: int
    dim: int
    depth: int
    num_heads: int
    mlp_ratio: float
    groups: int
    attention: str
    reduction: str
    ratio: int
    kernel_size: int = 0
    dilations: tuple[int, ...] = ()
    branch_dim: int = 0
    reduction_heads: int = 1
    reduction_groups: int = 1
    reduction_attention: str = 'full'
    drop_path_rates: tuple[float, ...] = ()
    pcm_first_norm: bool = True
    pcm_last_act: bool = False
    pcm_shallow: bool = False
    drop_rate: float = 0.0
    window_size: int = 7
    shift_window: bool = False
    relative_position: bool = False
    reduction_pcm: bool = True
    pcm_kernel_size: int = 3
    pcm_fusion: str = 'before_ffn'
    pcm_recompute: bool | None = None
    norm_cfg: Mapping | None = None

    @property
    def hidden_dim(self) -> int:
        """Hidden channels of a normal cell."""
        return int(self.dim * self.mlp_ratio)

    @property
    def pyramid_dim(self) -> int:
        """Output channels of the pyramid; those of a pyramid alone are the tokens."""
        return self.dim if self.reduction == 'pyramid' else len(self.dilations) * self.branch_dim

    @property
    def norm_layer(self) -> NormLayer | None:
        """Norm of the parallel convs; None for no norm."""
        return norm_builder(self.norm_cfg)

    @property
    def norm_widths(self) -> list[int]:
        """Channels of each norm of the parallel convs."""
        widths = [self.branch_dim] if self.reduction == 'cell' and self.reduction_pcm else []
        if self.depth and self.pcm_kernel_size:
            widths += [self.hidden_dim] if self.pcm_shallow else [self.hidden_dim, self.dim]
        return widths

    def __post_init__(self) -> None:
        check_count('window_size', self.window_size)
        check_rates(drop_rate=self.drop_rate)
        check_choice('pcm_kernel_size', self.pcm_kernel_size, PCM_KERNELS)
        check_choice('pcm_fusion', self.pcm_fusion, FUSIONS)
        if self.pcm_recompute is not None:
            check_flags(pcm_recompute=self.pcm_recompute)
        check_flags(
            shift_window=self.shift_window,
            relative_position=self.relative_position,
            reduction_pcm=self.reduction_pcm,
        )
        if self.depth:
            self._check_divisor('num_heads', dims=self.dim)
            self._check_divisor(
                'groups', **{'dims': self.dim, 'dims * mlp_ratios': self.hidden_dim}
            )
            self._check_attention('attention', self.num_heads)
        if self.reduction == 'cell':
            self._check_divisor('reduction_heads', dims=self.dim)
            self._check_divisor(
                'reduction_groups', input=self.in_dim, branch_dims=self.branch_dim, dims=self.dim
            )
            self._check_attention('reduction_attention', self.reduction_heads)
        if self.reduction != 'patch':
            self._check_pyramid()

    def _check_divisor(self, name: str, **numbers: int) -> None:
        divisor = getattr(self, name)
        for key, number in numbers.items():
            if number % divisor:
                raise InputError(
                    f'stage {self.index}: {name}={divisor} does not divide {key}={number}.'
                )

    def _check_attention(self, name: str, num_heads: int) -> None:
        kind = getattr(self, name)
        check_choice(name, kind, ATTENTIONS)
        head_dim = self.dim // num_heads
        if kind == 'performer' and (head_dim % 2 or head_dim > MAX_PERFORMER_HEAD):
            raise InputError(
                f'{name}: performer attention takes an even number of channels per head, up to '
                f'{MAX_PERFORMER_HEAD}, got {self.dim} / {num_heads}: give another number of heads.'
            )

    def _check_pyramid(self) -> None:
        stage = f'stage {self.index}'
        if self.ratio not in RATIOS:
            raise InputError(f'{stage}: ratios={self.ratio}: choose from {RATIOS}.')
        if self.ratio == 1 and any((self.kernel_size - 1) * d % 2 for d in self.dilations):
            raise InputError(
                f'{stage}: kernel_sizes={self.kernel_size} cannot keep the size of the map with '
                'ratios=1: give an odd kernel.'
            )
        if self.kernel_size < self.ratio:
            raise InputError(
                f'{stage}: kernel_sizes={self.kernel_size} is below ratios={self.ratio} and would '
                'skip positions: give a larger kernel.'
            )
        branches = len(self.dilations)
        if self.reduction == 'pyramid' and self.dim // branches != self.branch_dim:
            raise InputError(
                f'{stage}: a pyramid alone gives dims={self.dim} // {branches} dilations = '
                f'{self.dim // branches} channels per branch: set branch_dims to it, not to '
                f'{self.branch_dim}.'
            )


@dataclass(frozen=True, kw_only=True)
class ArchForm:
    """Published networks with the same kinds of stages.

    Attributes:
        archs: Name -> arch dict. All have the same keys, which are required
            in a custom arch dict.
        shared: Entries common to the published networks, optional in a custom
            arch dict.
        fixed: Entries that a custom arch dict cannot replace.
        attention: Attention of each stage's normal cells; further stages of
            a custom arch use the last one.
        reduction_attention: The same for the reduction cells.
    """

    archs: Mapping[str, Arch]
    shared: Arch
    fixed: Arch = field(default_factory=dict)
    attention: tuple[str, ...] = ()
    reduction_attention: tuple[str, ...] = ()

    @property
    def required(self) -> set[str]:
        """Keys that a custom arch dict must have."""
        return set(next(iter(self.archs.values())))

    @property
    def allowed(self) -> set[str]:
        """Keys that a custom arch dict may have."""
        return self.required | set(self.shared)


def read_arch(arch: str | Arch, forms: Sequence[ArchForm]) -> tuple[ArchForm, list[dict[str, Any]]]:
    """Resolves an arch to the fields of its stages.

    Args:
        arch: Name of a published network, or an arch dict.
        forms: Published networks.

    Returns:
        The form of the arch, and the fields of each stage.

    Raises:
        InputError: For unknown names or keys, missing keys, lists of
            different lengths, and invalid entries.
    """
    names = sorted(name for form in forms for name in form.archs)
    if isinstance(arch, str):
        form = next((form for form in forms if arch in form.archs), None)
        if form is None:
            raise InputError(f'arch={arch!r} is unknown: choose from {names}, or give a dict.')
        lists: dict[str, Sequence] = {**form.shared, **form.fixed, **form.archs[arch]}
    elif isinstance(arch, Mapping):
        keys = set(arch)
        # the form with the fewest missing and unknown keys
        form = min(forms, key=lambda form: len(form.required - keys) + len(keys - form.allowed))
        lists = _read_arch_dict(arch, form)
    else:
        raise InputError(f'arch={arch!r}: give a name from {names} or a dict.')
    if not lists['depths'][-1]:
        raise InputError(
            f'arch dict: depths={lists["depths"]}: the last stage needs 1 or more normal cells.'
        )
    rows = zip(*lists.values(), strict=True)
    return form, [dict(zip((FIELDS[key] for key in lists), row, strict=True)) for row in rows]


def _read_arch_dict(arch: Arch, form: ArchForm) -> dict[str, Sequence]:
    keys = set(arch)
    if not form.required <= keys <= form.allowed:
        raise InputError(
            f'arch dict with keys {sorted(keys)}: missing {sorted(form.required - keys)}, unknown '
            f'{sorted(keys - form.allowed)}; required are {sorted(form.required)}, optional '
            f'{sorted(form.shared)}.'
        )
    for key, values in arch.items():
        if not _is_valid(key, values):
            entry = {'dilations': 'a list of dilations', 'reductions': f'one of {REDUCTIONS}'}.get(
                key, 'a positive number'
            )
            raise InputError(
                f'arch dict: {key}={values!r}: give a list with one entry per stage, each {entry}.'
            )
    # missing entries default to those of the leading published stages
    count = len(arch['dims'])
    lists: dict[str, Sequence] = {
        key: tuple(value[:count]) for key, value in {**form.shared, **form.fixed}.items()
    }
    lists |= {key: tuple(value) for key, value in arch.items()}
    lengths = {key: len(value) for key, value in lists.items()}
    if not count or len(set(lengths.values())) > 1:
        raise InputError(f'arch dict: lists need one entry per stage, got lengths {lengths}.')
    return lists


def _is_valid(key: str, values: object) -> bool:
    """Whether an entry of an arch dict has one valid value per stage."""
    if not isinstance(values, list | tuple):
        return False
    if key == 'dilations':
        return all(
            isinstance(row, list | tuple) and row and all(map(is_count, row)) for row in values
        )
    if key == 'reductions':
        return all(value in REDUCTIONS for value in values)
    if key == 'mlp_ratios':
        return all(isinstance(value, int | float) and value > 0 for value in values)
    # a stage may have no normal cells
    return all(is_count(value) or (key == 'depths' and value == 0) for value in values)


def stage_specs(
    form: ArchForm,
    rows: Sequence[dict[str, Any]],
    *,
    in_channels: int,
    dilations: Sequence[Sequence[int]] | None,
    attention: Sequence[str] | None,
    reduction_attention: Sequence[str] | None,
    drop_path_rate: float,
    norm_cfg: Mapping | None,
    **options: Any,
) -> list[StageSpec]:
    """Describes the stages of a network.

    Args:
        form, rows: As returned by :func:`read_arch`.
        in_channels: Channels of the image.
        dilations: Dilations of each pyramid; None for those of the arch.
        attention: Attention of each stage with normal cells; None for that of
            ``form``.
        reduction_attention: The same for the stages with reduction cells.
        drop_path_rate: Stochastic depth of the last normal cell.
        norm_cfg: Norm of the parallel convs, as in mmcv; None for no norm.
        options: Fields of :class:`StageSpec` that are the same in all stages.

    Raises:
        InputError: For invalid options, and options that do not fit the arch.
    """
    check_count('in_channels', in_channels)
    check_rates(drop_path_rate=drop_path_rate)
    if dilations is not None:
        rows = _replace_dilations(rows, dilations)
    normal = [i for i, row in enumerate(rows) if row['depth']]
    reducing = [i for i, row in enumerate(rows) if row['reduction'] == 'cell']
    kinds = _by_stage('attention', attention, published=form.attention, stages=normal)
    reduction_kinds = _by_stage(
        'reduction_attention',
        reduction_attention,
        published=form.reduction_attention,
        stages=reducing,
    )
    rates = iter(drop_path_ramp(drop_path_rate, sum(row['depth'] for row in rows)))
    in_dims = [in_channels, *(row['dim'] for row in rows)]

    specs = [
        StageSpec(
            index=i,
            in_dim=in_dims[i],
            attention=kinds.get(i, 'full'),
            reduction_attention=reduction_kinds.get(i, 'full'),
            drop_path_rates=tuple(islice(rates, row['depth'])),
            norm_cfg=norm_cfg,
            **row,
            **options,
        )
        for i, row in enumerate(rows)
    ]
    _check_window_options(specs[0], set(kinds.values()), set(reduction_kinds.values()))
    check_num_groups(norm_cfg, (width for spec in specs for width in spec.norm_widths))
    return specs


def _replace_dilations(
    rows: Sequence[dict[str, Any]], dilations: Sequence[Sequence[int]]
) -> list[dict[str, Any]]:
    pyramids = [i for i, row in enumerate(rows) if row['reduction'] != 'patch']
    if not _is_valid('dilations', dilations) or len(dilations) != len(pyramids):
        raise InputError(
            f'dilations={dilations!r}: give a list of dilations for each of the {len(pyramids)} '
            'pyramid reductions of the arch.'
        )
    replaced = list(rows)
    for i, branches in zip(pyramids, dilations, strict=True):
        row = replaced[i] = {**rows[i], 'dilations': tuple(branches)}
        if row['reduction'] == 'pyramid':
            # the concatenated branches are the tokens
            row['branch_dim'] = row['dim'] // len(branches)
    return replaced


def _by_stage(
    name: str, given: Sequence[str] | None, *, published: Sequence[str], stages: Sequence[int]
) -> dict[int, str]:
    """Stage index -> attention, for each of ``stages``."""
    if given is None:
        return {i: published[min(i, len(published) - 1)] for i in stages}
    if not isinstance(given, list | tuple) or len(given) != len(stages):
        raise InputError(
            f'{name}={given!r}: give one of {ATTENTIONS} for each of the {len(stages)} stages '
            'that have such cells.'
        )
    return dict(zip(stages, given, strict=True))


def _check_window_options(spec: StageSpec, normal: set[str], reducing: set[str]) -> None:
    """Raises InputError for window options of a network without window attention."""
    for name, kinds in (
        ('shift_window', normal),  # reduction cells are never shifted
        ('relative_position', normal | reducing),
        ('window_size', normal | reducing),
    ):
        value = getattr(spec, name)
        if value != getattr(StageSpec, name) and 'window' not in kinds:
            raise InputError(
                f"{name}={value}: no stage has window attention; give attention=['window', ...] "
                'as well.'
            )
