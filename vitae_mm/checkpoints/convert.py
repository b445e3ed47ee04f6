"""Converting state dicts of the published networks to ours, and back."""

import re
from collections.abc import Mapping

from torch import Tensor

from vitae_mm.errors import InputError
from vitae_mm.layers.window_attention import position_index

from .identify import BACKBONE_PREFIX, Layout
from .tables import DERIVED, RENAMED_PARTS, TO_OURS, TO_PUBLISHED, is_derived, rename

CLASSIFIER_PREFIX = 'head.fc.'
POSE_HEAD_PREFIXES = ('head.deconv_layers.', 'head.conv_layers.', 'head.final_layer.')

PUBLISHED_WINDOW = 7
WINDOWED = re.compile(r'layers\.[01]\..*attn\.qkv\.weight')
"""Entries that published ViTAEv2 classifiers accompany with the derived entry."""


def convert_state_dict(state_dict: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """Renames every entry by the layout's table.

    Args:
        state_dict: Published entries.
        layout: As returned by :func:`identify_layout`.

    Returns:
        Entries named as in models of the current codebases: ``backbone.*``
        and, if present, ``head.fc.*`` of a classifier or the other parts of
        the model.

    Raises:
        InputError: For a key that is not in the table.
    """
    converted = {}
    for key, value in state_dict.items():
        if is_derived(key):
            continue
        part, _, rest = key.partition('.')
        if not layout.wrapped:
            name = rename(key, TO_OURS[layout.name], layout.name)
        elif part == 'backbone':
            name = rename(rest, TO_OURS[layout.name], layout.name)
        else:
            name = f'{RENAMED_PARTS.get(part, part)}.{rest}'
        if name in converted:
            raise InputError(
                f'two entries of the checkpoint become {name}, one of them {key}: it mixes two '
                'generations of names; rename or remove one.'
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
        keep the prefix ``backbone.``.

    Raises:
        InputError: For an entry that the published network does not have.
    """
    wrapped = not all(key.startswith((BACKBONE_PREFIX, CLASSIFIER_PREFIX)) for key in state_dict)
    prefix = BACKBONE_PREFIX if wrapped else ''
    derives = layout == 'vitaev2' and any(key.startswith(CLASSIFIER_PREFIX) for key in state_dict)
    is_pose = any(key.startswith(POSE_HEAD_PREFIXES) for key in state_dict)
    earlier = {ours: theirs for theirs, ours in RENAMED_PARTS.items()} if is_pose else {}
    published = {}
    for key, value in state_dict.items():
        part, _, rest = key.partition('.')
        if part != 'backbone' and wrapped:
            published[f'{earlier.get(part, part)}.{rest}'] = value
            continue
        name = rename(key, TO_PUBLISHED[layout], layout)
        published[prefix + name] = value
        if derives and WINDOWED.fullmatch(name):
            derived = name.replace('qkv.weight', DERIVED)
            published[derived] = position_index(PUBLISHED_WINDOW)
    return published
