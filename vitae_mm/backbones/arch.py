"""Tables of stages: the published networks, and custom ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vitae_mm.errors import InputError

from .options import check_count, is_count

REDUCTIONS = ('cell', 'pyramid', 'patch')
"""Reduction of a stage: a reduction cell, its pyramid of convs alone, or a
patch embedding."""

RATIOS = (1, 2, 4, 8)


@dataclass(frozen=True)
class ArchTable:
    """Networks of one form.

    Args:
        archs: Name -> what sets it apart, each key with one entry a stage.
        shared: The same for keys that all of them share; a custom arch may
            set its own.
        settings: What else belongs to the form: ``layout`` of its published
            files, what :func:`build_stages` reads, defaults of options.
    """

    archs: Mapping[str, Mapping[str, Sequence]]
    shared: Mapping[str, Sequence]
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def required(self) -> set[str]:
        return set(next(iter(self.archs.values())))

    @property
    def optional(self) -> set[str]:
        # stages of patches have none of the keys that other reductions need
        fixed = {'reductions'} if set(self.shared['reductions']) == {'patch'} else set()
        return set(self.shared) - fixed


def resolve_arch(
    arch: str | Mapping,
    tables: Sequence[ArchTable],
    in_channels: int,
    dilations: Sequence[Sequence[int]] | None = None,
) -> tuple[dict, ArchTable]:
    """The full table of a network: each key holds one entry a stage.

    Args:
        arch: A name from ``tables``, or a dict with the keys of one of them.
        tables: Published networks by form.
        in_channels: Channels of the image.
        dilations: Replaces those of the arch, one list for each pyramid.

    Returns:
        The table of stages, and the form it belongs to.

    Raises:
        InputError: For an unknown name or key, a missing key, lists of
            unequal length, or numbers that do not divide.
    """
    check_count('in_channels', in_channels)
    names = sorted(name for table in tables for name in table.archs)
    if isinstance(arch, str):
        form = next((table for table in tables if arch in table.archs), None)
        if form is None:
            raise InputError(f'arch={arch!r} is unknown: choose from {names}, or give a dict.')
        stages = {**form.shared, **form.archs[arch]}
    elif isinstance(arch, Mapping):
        form = min(
            tables,
            key=lambda table: (
                len(table.required - set(arch)) + len(set(arch) - table.required - table.optional)
            ),
        )
        stages = _custom(arch, form)
    else:
        raise InputError(f'arch={arch!r}: give a name from {names} or a dict.')
    if not stages['depths'][-1]:
        raise InputError(
            f'arch dict: depths={stages["depths"]}: the last stage needs normal cells, 1 or more.'
        )
    if dilations is not None:
        stages = _with_dilations(stages, dilations)
    _check_divisibility(stages, in_channels)
    return stages, form


def _custom(arch: Mapping, form: ArchTable) -> dict:
    given, required = set(arch), form.required
    if not required <= given <= required | form.optional:
        raise InputError(
            f'arch dict with keys {sorted(given)}: missing {sorted(required - given)}, unknown '
            f'{sorted(given - required - form.optional)}; required are {sorted(required)}, '
            f'optional {sorted(form.optional)}.'
        )
    _check_numbers(arch)
    count = len(arch['dims'])
    # what is not given is that of the leading published stages
    stages = {key: tuple(value[:count]) for key, value in form.shared.items()}
    stages.update({key: tuple(value) for key, value in arch.items()})
    lengths = {key: len(value) for key, value in stages.items()}
    if len(set(lengths.values())) > 1 or not count:
        raise InputError(f'arch dict needs one entry a stage in every list, got lengths {lengths}.')
    return stages


def _with_dilations(stages: Mapping, dilations: Sequence[Sequence[int]]) -> dict:
    pyramids = [i for i, kind in enumerate(stages['reductions']) if kind != 'patch']
    if not _is_fitting('dilations', dilations) or len(dilations) != len(pyramids):
        raise InputError(
            f'dilations={dilations!r}: give a list of dilations for each of the '
            f'{len(pyramids)} pyramid reductions of the arch.'
        )
    rows, branch_dims = list(stages.get('dilations', ())), list(stages.get('branch_dims', ()))
    for i, row in zip(pyramids, dilations):
        rows[i] = tuple(row)
        if stages['reductions'][i] == 'pyramid':
            # its branches together are the tokens
            dim = stages['dims'][i]
            if dim % len(row):
                raise InputError(
                    f'dilations={dilations!r}: the {len(row)} branches of a pyramid '
                    f'alone share its dims={dim}: give as many as divide that.'
                )
            branch_dims[i] = dim // len(row)
    return {**stages, 'dilations': tuple(rows), 'branch_dims': tuple(branch_dims)}


def _check_numbers(arch: Mapping[str, Sequence]) -> None:
    for key, values in arch.items():
        if not _is_fitting(key, values):
            raise InputError(
                f'arch dict: {key}={values!r}: give a list with one entry a stage, '
                'each '
                + {'dilations': 'a list of dilations.', 'reductions': f'one of {REDUCTIONS}.'}.get(
                    key, 'a positive number.'
                )
            )


def _is_fitting(key: str, values: object) -> bool:
    if not isinstance(values, (list, tuple)):
        return False
    if key == 'dilations':
        return all(
            isinstance(row, (list, tuple)) and row and all(map(is_count, row)) for row in values
        )
    if key == 'reductions':
        return all(value in REDUCTIONS for value in values)
    if key == 'mlp_ratios':
        return all(isinstance(value, (int, float)) and value > 0 for value in values)
    # a stage may do without normal cells
    return all(is_count(value) or (key == 'depths' and value == 0) for value in values)


def _check_divisibility(stages: Mapping[str, Sequence], in_channels: int) -> None:
    inputs = (in_channels, *stages['dims'][:-1])
    for i, (in_dim, kind) in enumerate(zip(inputs, stages['reductions'])):
        stage = {key: values[i] for key, values in stages.items()}
        dim, hidden_dim = stage['dims'], int(stage['dims'] * stage.get('mlp_ratios', 1))
        pairs = []
        if stage['depths']:
            pairs += [('num_heads', 'dims', dim)]
            if 'groups' in stage:
                pairs += [('groups', 'dims', dim), ('groups', 'dims * mlp_ratios', hidden_dim)]
        if kind == 'cell':
            pairs += [
                ('reduction_heads', 'dims', dim),
                ('reduction_groups', 'input', in_dim),
                ('reduction_groups', 'branch_dims', stage['branch_dims']),
                ('reduction_groups', 'dims', dim),
            ]
        for divisor, name, number in pairs:
            if number % stage[divisor]:
                raise InputError(
                    f'stage {i}: {divisor}={stage[divisor]} does not divide {name}={number}.'
                )
        if kind != 'patch':
            _check_pyramid(i, stage)


def _check_pyramid(i: int, stage: Mapping) -> None:
    kernel, ratio, dilations = stage['kernel_sizes'], stage['ratios'], stage['dilations']
    if ratio not in RATIOS:
        raise InputError(f'stage {i}: ratios={ratio}: choose from {RATIOS}.')
    if ratio == 1 and any((kernel - 1) * dilation % 2 for dilation in dilations):
        raise InputError(
            f'stage {i}: kernel_sizes={kernel} cannot keep the size of the map, as '
            'ratios=1 asks: give an odd kernel.'
        )
    if kernel < ratio:
        raise InputError(
            f'stage {i}: kernel_sizes={kernel} is below ratios={ratio}: cells '
            'between kernels would be lost.'
        )
    if stage['reductions'] == 'pyramid' and len(dilations) * stage['branch_dims'] != stage['dims']:
        raise InputError(
            f'stage {i}: a pyramid alone gives {len(dilations)} dilations * '
            f'branch_dims={stage["branch_dims"]} channels, which must be '
            f'dims={stage["dims"]}.'
        )
