"""Checks of constructor options, and norm layers built from ``norm_cfg``."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeGuard

from mmcv.cnn import build_norm_layer
from torch import nn

from vitae_mm.errors import InputError

BATCH_NORM = dict(type='BN')

NormLayer = Callable[[int], nn.Module]
"""Number of channels -> norm layer."""


def check_choice(name: str, value: object, choices: Sequence) -> None:
    """Raises InputError unless ``value`` is one of ``choices``."""
    # True would pass for 1
    if isinstance(value, bool) or value not in choices:
        raise InputError(f'{name}={value!r}: choose from {tuple(choices)}.')


def is_count(value: object) -> TypeGuard[int]:
    """Whether ``value`` is a positive integer."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def check_count(name: str, value: object) -> None:
    """Raises InputError unless ``value`` is a positive integer."""
    if not is_count(value):
        raise InputError(f'{name}={value!r}: give an integer, 1 or more.')


def check_flags(**flags: object) -> None:
    """Raises InputError unless every value is a bool."""
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise InputError(f'{name}={value!r}: give True or False.')


def check_rates(**rates: object) -> None:
    """Raises InputError unless every value is a number in [0, 1)."""
    for name, rate in rates.items():
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
            raise InputError(f'{name}={rate!r}: give a number in [0, 1).')


def check_img_size(img_size: int | Sequence[int]) -> tuple[int, int]:
    """Returns an image size as height and width.

    Raises:
        InputError: Unless it is one or two positive integers.
    """
    size = (img_size, img_size) if isinstance(img_size, int) else img_size
    if not isinstance(size, list | tuple) or len(size) != 2 or not all(map(is_count, size)):
        raise InputError(f'img_size={img_size!r}: give one or two integers, in pixels.')
    return size[0], size[1]


def check_indices(indices: int | Sequence[int], count: int) -> tuple[int, ...]:
    """Returns ``out_indices`` as stage indices from 0 to ``count`` - 1.

    Raises:
        InputError: If empty, repeated, out of range or out of order.
    """
    chosen = (indices,) if isinstance(indices, int) else tuple(indices)
    if not all(isinstance(i, int) for i in chosen):
        raise InputError(f'out_indices={indices!r}: give integers.')
    resolved = tuple(i + count if i < 0 else i for i in chosen)
    if not chosen or list(resolved) != [i for i in range(count) if i in resolved]:
        raise InputError(
            f'out_indices={indices!r}: give some of {tuple(range(count))}, in ascending order, '
            'without repeats.'
        )
    return resolved


def norm_builder(norm_cfg: Mapping | None) -> NormLayer | None:
    """Returns a function that builds the norm of ``norm_cfg``; None for no norm.

    The function raises InputError if mmcv cannot build the norm.
    """
    return None if norm_cfg is None else partial(_build_norm, norm_cfg)


def check_num_groups(norm_cfg: Mapping | None, widths: Iterable[int]) -> None:
    """Raises InputError if ``num_groups`` does not divide all of these channel numbers."""
    groups = norm_cfg.get('num_groups') if isinstance(norm_cfg, Mapping) else None
    widths = sorted(set(widths))
    if not is_count(groups):
        return
    if invalid := [width for width in widths if width % groups]:
        common = math.gcd(*widths)
        raise InputError(
            f'norm_cfg={norm_cfg!r} cannot normalize {invalid[0]} channels: give a num_groups '
            f'that divides every width {widths}, one of '
            f'{[n for n in range(1, common + 1) if common % n == 0]}.'
        )


def _build_norm(norm_cfg: Mapping, channels: int) -> nn.Module:
    try:
        return build_norm_layer(norm_cfg, channels)[1]
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        raise InputError(
            f'norm_cfg={norm_cfg!r} cannot normalize {channels} channels ({error}): give, for '
            "example, dict(type='BN'), dict(type='SyncBN'), dict(type='GN', num_groups=32), or "
            'None for no norm.'
        ) from error


def drop_path_ramp(rate: float, count: int) -> list[float]:
    """Stochastic depth rates of ``count`` cells, linear from 0 to ``rate``.

    A single cell has ``rate``.
    """
    return [rate * i / (count - 1) for i in range(count)] if count > 1 else [rate] * count
