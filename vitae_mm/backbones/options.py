"""Checks of constructor options, made before anything is built."""
from collections.abc import Mapping, Sequence

from vitae_mm.errors import InputError

ATTENTION_KINDS = ('window', 'full', 'performer')
RATIOS = (1, 2, 4, 8)


def resolve_arch(arch: str | Mapping, archs: Mapping[str, Mapping], defaults: Mapping,
                 in_channels: int) -> dict:
    """The full table of a pyramid network: each key holds one entry a stage.

    Args:
        arch: A name from ``archs``, or a dict with the same keys.
        archs: Published networks.
        defaults: Entries that the published networks share; those of a
            custom arch with fewer stages are the leading ones.
        in_channels: Channels of the image.

    Raises:
        InputError: For an unknown name or key, a missing key, lists of
            unequal length, or numbers that do not divide.
    """
    if isinstance(arch, str):
        if arch not in archs:
            raise InputError(f'arch={arch!r} is unknown: choose from {sorted(archs)}, or give a '
                             'dict.')
        return {**defaults, **archs[arch]}
    if not isinstance(arch, Mapping):
        raise InputError(f'arch={arch!r}: give a name from {sorted(archs)} or a dict.')
    required = set(next(iter(archs.values())))
    given = set(arch)
    if not required <= given or not given <= required | set(defaults):
        raise InputError(
            f'arch dict with keys {sorted(given)}: missing {sorted(required - given)}, unknown '
            f'{sorted(given - required - set(defaults))}; required are {sorted(required)}, '
            f'optional {sorted(defaults)}.')
    _check_numbers(arch)
    count = len(arch['dims'])
    table = {key: tuple(value[:count]) for key, value in defaults.items()}
    table.update({key: tuple(value) for key, value in arch.items()})
    lengths = {key: len(value) for key, value in table.items()}
    if len(set(lengths.values())) > 1 or not count:
        raise InputError(f'arch dict needs one entry a stage in every list, got lengths {lengths}.')
    _check_divisibility(table, in_channels)
    return table


def _check_numbers(arch: Mapping[str, Sequence]) -> None:
    for key, values in arch.items():
        fitting = isinstance(values, (list, tuple))
        if fitting and key == 'dilations':
            fitting = all(isinstance(row, (list, tuple)) and row and all(map(_is_count, row))
                          for row in values)
        elif fitting and key == 'mlp_ratios':
            fitting = all(isinstance(value, (int, float)) and value > 0 for value in values)
        elif fitting:
            # a stage may do without normal cells
            fitting = all(_is_count(value) or (key == 'depths' and value == 0)
                          for value in values)
        if not fitting:
            raise InputError(f'arch dict: {key}={values!r}: give a list with one entry a stage, '
                             + ('each a list of dilations.' if key == 'dilations' else
                                'each a positive number.'))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value > 0


def _check_divisibility(table: Mapping[str, Sequence], in_channels: int) -> None:
    inputs = (in_channels, *table['dims'][:-1])
    for i, (in_dim, dim, branch_dim) in enumerate(
            zip(inputs, table['dims'], table['branch_dims'])):
        hidden_dim = int(dim * table['mlp_ratios'][i])
        for divisor, numbers in (
            ('num_heads', dict(dims=dim)),
            ('reduction_heads', dict(dims=dim)),
            ('groups', {'dims': dim, 'dims * mlp_ratios': hidden_dim}),
            ('reduction_groups', dict(input=in_dim, branch_dims=branch_dim, dims=dim)),
        ):
            by = table[divisor][i]
            for name, number in numbers.items():
                if by < 1 or number % by:
                    raise InputError(f'stage {i}: {divisor}={by} does not divide {name}={number}.')
        if table['ratios'][i] not in RATIOS:
            raise InputError(f'stage {i}: ratios={table["ratios"][i]}: choose from {RATIOS}.')
        if table['ratios'][i] == 1 and any(
                (table['kernel_sizes'][i] - 1) * dilation % 2 for dilation in table['dilations'][i]):
            raise InputError(f'stage {i}: kernel_sizes={table["kernel_sizes"][i]} cannot keep the '
                             'size of the map, as ratios=1 asks: give an odd kernel.')
        if table['kernel_sizes'][i] < table['ratios'][i]:
            raise InputError(f'stage {i}: kernel_sizes={table["kernel_sizes"][i]} is below '
                             f'ratios={table["ratios"][i]}: cells between kernels would be lost.')


def check_attention(name: str, kinds: Sequence[str], dims: Sequence[int],
                    num_heads: Sequence[int]) -> tuple[str, ...]:
    """One known attention kind a stage.

    Raises:
        InputError: For a wrong length, an unknown kind, or a Performer whose
            head dimension is odd.
    """
    if not isinstance(kinds, (list, tuple)) or len(kinds) != len(dims):
        raise InputError(f'{name}={kinds!r}: give one of {ATTENTION_KINDS} for each of the '
                         f'{len(dims)} stages.')
    for kind, dim, heads in zip(kinds, dims, num_heads):
        if kind not in ATTENTION_KINDS:
            raise InputError(f'{name} names {kind!r}: choose from {ATTENTION_KINDS}.')
        if kind == 'performer' and dim // heads % 2:
            raise InputError(f'{name}: performer attention needs an even number of channels a '
                             f'head, got {dim} / {heads}.')
    return tuple(kinds)


def check_window(window_size: int) -> None:
    """Raises InputError unless the window is a positive whole number."""
    if not isinstance(window_size, int) or window_size < 1:
        raise InputError(f'window_size={window_size!r}: give a whole number of cells, 1 or more.')


def check_drop(**rates: float) -> None:
    """Raises InputError unless every rate is in [0, 1)."""
    for name, rate in rates.items():
        if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
            raise InputError(f'{name}={rate!r}: give a number in [0, 1).')
