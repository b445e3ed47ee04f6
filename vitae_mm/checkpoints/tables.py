"""Names of entries in the published networks and in this package.

Each table maps published names to ours, and is inverted to publish weights.
``{}`` stands for a number. An entry names a module, or a whole key if the name
of a parameter itself differs. Keys that are not in the table are errors.
"""

import re
from collections.abc import Iterable

from vitae_mm.errors import InputError


def _normal_cells(source: str, target: str) -> dict[str, str]:
    names = dict(norm1='norm1', norm2='norm2')
    names.update(
        {
            'attn.qkv': 'attn.qkv',
            'attn.proj': 'attn.proj',
            'mlp.fc1': 'ffn.fc1',
            'mlp.fc2': 'ffn.fc2',
            'PCM.0': 'pcm.conv1',
            'PCM.1': 'pcm.norm1',
            'PCM.3': 'pcm.conv2',
        }
    )
    return {f'{source}.{theirs}': f'{target}.{ours}' for theirs, ours in names.items()}


_REDUCTION = {
    'layers.{}.RC.PRM.convs.{}.0': 'backbone.stages.{}.reduction.prm.branches.{}',
    'layers.{}.RC.PCM.0': 'backbone.stages.{}.reduction.pcm.conv1',
    'layers.{}.RC.attn.norm1': 'backbone.stages.{}.reduction.norm1',
    'layers.{}.RC.attn.norm2': 'backbone.stages.{}.reduction.norm2',
}

VITAEV2 = {
    **_REDUCTION,
    'layers.{}.RC.PCM.1': 'backbone.stages.{}.reduction.pcm.norm1',
    'layers.{}.RC.PCM.3': 'backbone.stages.{}.reduction.pcm.conv2',
    'layers.{}.RC.PCM.4': 'backbone.stages.{}.reduction.pcm.norm2',
    'layers.{}.RC.PCM.6': 'backbone.stages.{}.reduction.pcm.conv3',
    'layers.{}.RC.attn.attn.qkv': 'backbone.stages.{}.reduction.attn.qkv',
    'layers.{}.RC.attn.attn.proj': 'backbone.stages.{}.reduction.attn.proj',
    'layers.{}.RC.attn.mlp.fc1': 'backbone.stages.{}.reduction.ffn.fc1',
    'layers.{}.RC.attn.mlp.fc2': 'backbone.stages.{}.reduction.ffn.fc2',
    **_normal_cells('layers.{}.NC.{}', 'backbone.stages.{}.cells.{}'),
    'layers.{}.NC.{}.PCM.4': 'backbone.stages.{}.cells.{}.pcm.norm2',
    'layers.{}.NC.{}.PCM.6': 'backbone.stages.{}.cells.{}.pcm.conv3',
    'head': 'head.fc',
}

VITAE = {
    # the third pyramid has no cell around it
    'layers.2.RC.PRM.convs.{}.0': 'backbone.stages.2.reduction.branches.{}',
    **_REDUCTION,
    'layers.{}.RC.PCM.2': 'backbone.stages.{}.reduction.pcm.conv2',
    'layers.{}.RC.PCM.3': 'backbone.stages.{}.reduction.pcm.norm2',
    'layers.{}.RC.PCM.5': 'backbone.stages.{}.reduction.pcm.conv3',
    'layers.{}.RC.attn.w': 'backbone.stages.{}.reduction.attn.features',
    'layers.{}.RC.attn.kqv': 'backbone.stages.{}.reduction.attn.kqv',
    'layers.{}.RC.attn.proj': 'backbone.stages.{}.reduction.attn.proj',
    'layers.{}.RC.attn.mlp.0': 'backbone.stages.{}.reduction.ffn.fc1',
    'layers.{}.RC.attn.mlp.2': 'backbone.stages.{}.reduction.ffn.fc2',
    **_normal_cells('layers.{}.NC.{}', 'backbone.stages.{}.cells.{}'),
    'layers.{}.NC.{}.PCM.4': 'backbone.stages.{}.cells.{}.pcm.norm2',
    'layers.{}.NC.{}.PCM.6': 'backbone.stages.{}.cells.{}.pcm.conv3',
    'head': 'head.fc',
}

VITAE_PATCH = {
    # a patch embedding, and normal cells, which are third in the published list
    'layers.0.RC.PRM.proj': 'backbone.stages.0.reduction.proj',
    'layers.0.RC.cls_token': 'backbone.stages.0.embedding.cls_token',
    'layers.0.RC.pos_embed': 'backbone.stages.0.embedding.position',
    **_normal_cells('layers.2.NC.{}', 'backbone.stages.0.cells.{}'),
    'fc_norm': 'backbone.norm',
    'head': 'head.fc',
}

CEIT = {
    'i2t.backbone.conv': 'backbone.stages.0.reduction.conv',
    'i2t.backbone.bn': 'backbone.stages.0.reduction.norm',
    'i2t.proj': 'backbone.stages.0.reduction.proj',
    'cls_token': 'backbone.stages.0.embedding.cls_token',
    'pos_embed': 'backbone.stages.0.embedding.position',
    'pos_layer_embed': 'backbone.class_attention.position',
    'blocks.{}.norm1': 'backbone.stages.0.cells.{}.norm1',
    'blocks.{}.norm2': 'backbone.stages.0.cells.{}.norm2',
    'blocks.{}.attn.qkv': 'backbone.stages.0.cells.{}.attn.qkv',
    'blocks.{}.attn.proj': 'backbone.stages.0.cells.{}.attn.proj',
    'blocks.{}.leff.conv{}': 'backbone.stages.0.cells.{}.ffn.conv{}',
    'blocks.{}.leff.bn{}': 'backbone.stages.0.cells.{}.ffn.norm{}',
    'lca.norm1': 'backbone.class_attention.norm1',
    'lca.norm2': 'backbone.class_attention.norm2',
    'lca.attn.qkv': 'backbone.class_attention.attn.qkv',
    'lca.attn.proj': 'backbone.class_attention.attn.proj',
    'lca.feedforward.fc1': 'backbone.class_attention.ffn.fc1',
    'lca.feedforward.fc2': 'backbone.class_attention.ffn.fc2',
    'norm': 'backbone.norm',
    'head': 'head.fc',
}

TABLES = {'vitaev2': VITAEV2, 'vitae': VITAE, 'vitae_patch': VITAE_PATCH, 'ceit': CEIT}
"""Published layout -> table."""

DERIVED = 'relative_position_index'
"""Published entry of each window attention, which is not a weight."""

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
"""Other parts of a detector, segmentor or pose estimator."""

RENAMED_PARTS = {'keypoint_head': 'head'}
"""Parts with another name in the previous generation of the codebases."""

Patterns = list[tuple[re.Pattern, str]]


def _compile(pairs: Iterable[tuple[str, str]]) -> Patterns:
    """Makes each ``{}`` a group of digits."""
    return [
        (re.compile(re.escape(source).replace(r'\{\}', r'(\d+)')), target)
        for source, target in pairs
    ]


TO_OURS = {layout: _compile(table.items()) for layout, table in TABLES.items()}
TO_PUBLISHED = {
    layout: _compile((ours, theirs) for theirs, ours in table.items())
    for layout, table in TABLES.items()
}


def rename(key: str, patterns: Patterns, layout: str) -> str:
    """Renames a key.

    Raises:
        InputError: If the table does not have it.
    """
    if (renamed := _find(key, patterns)) is None:
        raise InputError(f'the table of {layout} does not have the key {key}.')
    return renamed


def is_known(key: str, layout: str, wrapped: bool) -> bool:
    """Whether a published file of this layout can have the key.

    Args:
        key: Name of an entry.
        layout: A key of ``TABLES``.
        wrapped: Whether the network is the ``backbone.`` of a larger model.
    """
    part, _, rest = key.partition('.')
    if is_derived(key):
        return True
    if wrapped and part != 'backbone':
        return part in PARTS or part in RENAMED_PARTS
    return _find(rest if wrapped else key, TO_OURS[layout]) is not None


def is_derived(key: str) -> bool:
    """Whether an entry is derived from the architecture, not a weight."""
    return key.rpartition('.')[2] == DERIVED


def _find(key: str, patterns: Patterns) -> str | None:
    module, _, leaf = key.rpartition('.')
    for name, ending in ((key, ''), (module, f'.{leaf}')):
        for pattern, target in patterns:
            if match := pattern.fullmatch(name):
                return target.format(*match.groups()) + ending
    return None
