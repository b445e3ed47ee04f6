"""Published state dicts -> ours, and back."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from vitae_mm.errors import InputError
from vitae_mm.layers.window_attention import position_index

from .tables import DERIVED, TABLES

BACKBONE = 'backbone.'
CLASSIFIER = 'head.fc.'

PUBLISHED_WINDOW = 7
WINDOWED = re.compile(r'layers\.[01]\..*attn\.qkv\.weight')
"""Where published ViTAEv2 classifiers also hold the derived entry."""

PARTS = (
    'neck',
    'rpn_head',
    'roi_head',
    'bbox_head',
    'mask_head',
    'decode_head',
    'auxiliary_head',
    'head',
)
"""Other parts of a detector, segmentor or pose estimator, in our generation of
the codebases."""

RENAMED_PARTS = {'keypoint_head': 'head'}
"""Names in the generation before that differ: those of pose estimators."""

POSE_HEAD = ('head.deconv_layers.', 'head.conv_layers.', 'head.final_layer.')


def _patterns(pairs: Iterable[tuple[str, str]]) -> list[tuple[re.Pattern, str]]:
    """``{}`` as a group of digits."""
    return [
        (re.compile(re.escape(source).replace(r'\{\}', r'(\d+)')), target)
        for source, target in pairs
    ]


TO_OURS = {layout: _patterns(table.items()) for layout, table in TABLES.items()}
TO_PUBLISHED = {
    layout: _patterns((ours, theirs) for theirs, ours in table.items())
    for layout, table in TABLES.items()
}


@dataclass(frozen=True)
class Layout:
    """How a published file names its entries.

    Args:
        name: A key of ``TABLES``.
        wrapped: Whether the network is the ``backbone.`` of a detector,
            segmentor or pose estimator.
    """

    name: str
    wrapped: bool


def identify_layout(state_dict: Mapping[str, Tensor]) -> Layout:
    """Which published layout has all of these keys.

    Raises:
        InputError: Naming, for the nearest layout, keys that no table knows.
    """
    if any(key.startswith(('stages.', f'{BACKBONE}stages.')) for key in state_dict):
        raise InputError(
            'the checkpoint has our own names already: load it as it is, or convert '
            'it back with --to-published.'
        )
    wrapped = any(key.startswith(BACKBONE) for key in state_dict)
    unknown = {
        name: [key for key in state_dict if not _is_known(key, name, wrapped)] for name in TABLES
    }
    name = min(unknown, key=lambda name: len(unknown[name]))
    if unknown[name] or all(map(_is_derived, state_dict)):
        raise InputError(
            f'the checkpoint is of no published network known here ({sorted(TABLES)}): the '
            f'nearest is {name}, which does not know {len(unknown[name])} of '
            f'{len(state_dict)} keys, such as {unknown[name][:3]}.'
        )
    return Layout(name, wrapped)


def convert_state_dict(state_dict: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """Renames every entry by the layout's table.

    Args:
        state_dict: Published entries.
        layout: As :func:`identify_layout` gives it.

    Returns:
        Entries named as in a model of today's codebases: ``backbone.*`` and,
        where the file holds them, ``head.fc.*`` of a classifier or the other
        parts of the model.

    Raises:
        InputError: For a key that the table does not know.
    """
    converted = {}
    for key, value in state_dict.items():
        if _is_derived(key):
            continue
        part, _, rest = key.partition('.')
        if not layout.wrapped:
            name = _rename(key, TO_OURS[layout.name], layout.name)
        elif part == 'backbone':
            name = _rename(rest, TO_OURS[layout.name], layout.name)
        else:
            name = f'{RENAMED_PARTS.get(part, part)}.{rest}'
        if name in converted:
            raise InputError(
                f'two entries of the checkpoint become {name}, one of them {key}: it '
                'mixes two generations of names; rename or remove one.'
            )
        converted[name] = value
    return converted


def publish_state_dict(state_dict: Mapping[str, Tensor], layout: str) -> dict[str, Tensor]:
    """The inverse of :func:`convert_state_dict`.

    Args:
        state_dict: Entries of a model, ``backbone.*`` and other parts.
        layout: A key of ``TABLES``.

    Returns:
        Published entries; those of a detector, segmentor or pose estimator
        keep ``backbone.`` before them.

    Raises:
        InputError: For an entry that the published network does not have.
    """
    wrapped = not all(key.startswith((BACKBONE, CLASSIFIER)) for key in state_dict)
    prefix = BACKBONE if wrapped else ''
    derives = layout == 'vitaev2' and any(key.startswith(CLASSIFIER) for key in state_dict)
    is_pose = any(key.startswith(POSE_HEAD) for key in state_dict)
    earlier = {ours: theirs for theirs, ours in RENAMED_PARTS.items()} if is_pose else {}
    published = {}
    for key, value in state_dict.items():
        part, _, rest = key.partition('.')
        if part != 'backbone' and wrapped:
            published[f'{earlier.get(part, part)}.{rest}'] = value
            continue
        name = _rename(key, TO_PUBLISHED[layout], layout)
        published[prefix + name] = value
        if derives and WINDOWED.fullmatch(name):
            derived = name.replace('qkv.weight', DERIVED)
            published[derived] = position_index(PUBLISHED_WINDOW)
    return published


def _rename(key: str, patterns: list[tuple[re.Pattern, str]], layout: str) -> str:
    module, _, leaf = key.rpartition('.')
    for name, ending in ((key, ''), (module, f'.{leaf}')):
        for pattern, target in patterns:
            match = pattern.fullmatch(name)
            if match:
                return target.format(*match.groups()) + ending
    raise InputError(f'the table of {layout} does not know the key {key}.')


def _is_known(key: str, layout: str, wrapped: bool) -> bool:
    if _is_derived(key):
        return True
    part, _, rest = key.partition('.')
    if wrapped and part != 'backbone':
        return part in PARTS or part in RENAMED_PARTS
    names = (rest, rest.rpartition('.')[0]) if wrapped else (key, key.rpartition('.')[0])
    return any(pattern.fullmatch(name) for name in names for pattern, _ in TO_OURS[layout])


def _is_derived(key: str) -> bool:
    return key.rpartition('.')[2] == DERIVED
