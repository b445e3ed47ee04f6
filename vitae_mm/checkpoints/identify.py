"""Identification of the layout and the published network of a checkpoint."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor, nn

from vitae_mm.errors import InputError

from .tables import TABLES, is_derived, is_known

BACKBONE_PREFIX = 'backbone.'
"""Prefix of the backbone's entries in a model."""


@dataclass(frozen=True)
class Layout:
    """Naming of the entries in a published file.

    Attributes:
        name: A key of ``TABLES``.
        wrapped: Whether the network is the ``backbone.`` of a detector,
            segmentor or pose estimator.
    """

    name: str
    wrapped: bool


@dataclass(frozen=True)
class Variant:
    """A published network.

    Attributes:
        network: Name of its class.
        arch: Its name in the class.
        layout: Naming of the entries in its published files, a key of
            ``TABLES``.
        build: Builds the network; takes the other options of its class.
    """

    network: str
    arch: str
    layout: str
    build: Callable[..., nn.Module]

    def __str__(self) -> str:
        return f'{self.network} {self.arch!r}'


_VARIANTS: list[Variant] = []


def register_variants(network: type[nn.Module], archs: Iterable[str], *, layout: str) -> None:
    """Registers published networks for :func:`identify_network`.

    Args:
        network: Class of the networks, called with a name from ``archs``.
        archs: Their names in the class.
        layout: Naming of the entries in their published files, a key of
            ``TABLES``.
    """
    _VARIANTS.extend(
        Variant(network=network.__name__, arch=arch, layout=layout, build=partial(network, arch))
        for arch in archs
    )


def identify_network(state_dict: Mapping[str, Tensor]) -> Variant | None:
    """Finds the published network with the names and shapes of a backbone's entries.

    Args:
        state_dict: Entries of a backbone of this package. Only stages are
            compared, without the sizes of position embeddings.

    Returns:
        The registered network; None if none matches.
    """
    given = _signature(state_dict)
    return next((v for v in _VARIANTS if _published_signature(v) == given), None)


def nearest_network(state_dict: Mapping[str, Tensor]) -> Variant:
    """Finds the published network that shares the most entries with a backbone."""
    given = _signature(state_dict)
    return min(_VARIANTS, key=lambda variant: len(_published_signature(variant) ^ given))


def has_own_names(state_dict: Mapping[str, Tensor]) -> bool:
    """Whether a checkpoint has the names of this package."""
    return any(key.startswith(('stages.', f'{BACKBONE_PREFIX}stages.')) for key in state_dict)


def identify_layout(state_dict: Mapping[str, Tensor]) -> Layout:
    """Finds the published layout that has all keys of a checkpoint.

    Raises:
        InputError: If there is none, with keys that the nearest layout does
            not have.
    """
    if has_own_names(state_dict):
        raise InputError(
            'the checkpoint already has the names of vitae_mm: load it directly, convert it back '
            'with --to-published, or write it as DST.safetensors.'
        )
    wrapped = any(key.startswith(BACKBONE_PREFIX) for key in state_dict)
    unknown = {
        name: [key for key in state_dict if not is_known(key, name, wrapped)] for name in TABLES
    }
    name = min(unknown, key=lambda name: len(unknown[name]))
    if unknown[name] or all(map(is_derived, state_dict)):
        raise InputError(
            f'the checkpoint matches no published layout ({", ".join(sorted(TABLES))}): the '
            f'nearest is {name}, which does not have {len(unknown[name])} of {len(state_dict)} '
            f'keys, such as {unknown[name][:3]}.'
        )
    return Layout(name, wrapped)


@cache
def _published_signature(variant: Variant) -> frozenset:
    with torch.device('meta'):
        return _signature(variant.build().state_dict())


def _signature(state_dict: Mapping[str, Tensor]) -> frozenset:
    """Names and shapes of the entries of the stages."""
    return frozenset(
        (key, None if key.endswith('embedding.position') else tuple(value.shape))
        for key, value in state_dict.items()
        if key.startswith('stages.')
    )
