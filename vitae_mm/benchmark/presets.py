"""Tables of networks that are compared without being named on the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .cases import FORMS
from .networks import Source

ROOT = Path(__file__).parents[2]

VITAEV2_S = 'vitae_mm::cls/vitaev2_s_300e_in1k.py'
SWIN_T = 'mmpretrain::swin_transformer/swin-tiny_16xb64_in1k.py'


@dataclass(frozen=True)
class Section:
    """A part of a preset.

    Attributes:
        title: Title of its tables.
        sources: The networks.
        forms: Forms of networks by name; the others have those of the command line.
        options: Values of command-line options where these are not given, by name.
    """

    title: str
    sources: Sequence[Source]
    forms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    options: Mapping[str, Sequence] = field(default_factory=dict)


def _variant(name: str, **options: object) -> Source:
    """Returns ViTAEv2-S with options of its backbone."""
    return Source(name, VITAEV2_S, {f'model.backbone.{key}': options[key] for key in options})


def _attention(stages: str) -> Source:
    """Returns ViTAEv2-S with a kind of attention for each stage."""
    kinds = [dict(W='window', F='full', P='performer')[stage] for stage in stages.split()]
    return _variant(stages, attention=kinds, reduction_attention=kinds)


OURS = Source('ViTAEv2-S', VITAEV2_S)
SWIN = Source('Swin-T', SWIN_T)
PLAIN = Source('plain', str(ROOT / 'tests/reference/configs/plain_vitaev2_s.py'))
"""ViTAEv2-S in the most direct way, in a checkout only."""

TABLE_8 = Section(
    'ViTAEv2, Table 8',
    [
        *map(
            _attention,
            ['P P P P', 'F F F F', 'P P F F', 'W F F F', 'W W F F', 'W W W F', 'W W W W'],
        ),
        _variant('W W F F, shift', shift_window=True),
        _variant('W W F F, relative', relative_position=True),
        _variant('W W F F, both', shift_window=True, relative_position=True),
    ],
)
"""ViTAEv2-S by the attention of its four stages: window (W), full (F) or Performer (P)."""

TABLE_10 = Section(
    'ViTAEv2, Table 10',
    [
        Source('ViT-S', 'mmpretrain::deit/deit-small_4xb256_in1k.py'),
        Source('ViT-B', 'mmpretrain::vision_transformer/vit-base-p16_64xb64_in1k.py'),
        Source('T2T-ViT-14', 'mmpretrain::t2t_vit/t2t-vit-t-14_8xb64_in1k.py'),
        Source('T2T-ViT-24', 'mmpretrain::t2t_vit/t2t-vit-t-24_8xb64_in1k.py'),
        SWIN,
        OURS,
    ],
    options=dict(size=['224', '448', '896']),
)


def _detector(source: Source) -> Source:
    """Returns the part of a detector: feature maps of all stages and a pyramid."""
    path = 'model.backbone.backbone' if source.spec == PLAIN.spec else 'model.backbone'
    maps = {f'{path}.out_indices': (0, 1, 2, 3), f'{path}.out_type': 'featmap'}
    return replace(source, changes={**source.changes, **maps}, pyramid=True)


GPU = [
    Section(
        'backbone and feature pyramid of a detector',
        [
            _detector(source)
            for source in [
                PLAIN,
                OURS,
                _variant('with_cp=True', with_cp=True),
                _variant('pcm_recompute=True', pcm_recompute=True),
                _variant('pcm_recompute=False', pcm_recompute=False),
            ]
        ],
        options=dict(mode=['step'], size=['800x1333'], batch=[2], dtype=['bfloat16']),
    ),
    Section(
        'pretraining',
        [
            Source('ViTAE-B, supervised', 'vitae_mm::cls/vitae_b_300e_in1k.py'),
            Source('ViTAE-B, masked', 'vitae_mm::ssl/mae_vitae_b_1600e_in1k.py'),
            Source('ViTAE-H, masked', 'vitae_mm::ssl/mae_vitae_h_1600e_in1k.py'),
        ],
        options=dict(mode=['step'], size=['224'], batch=[64], dtype=['bfloat16']),
    ),
    Section(
        'training',
        [PLAIN, OURS, SWIN],
        options=dict(mode=['step'], size=['224'], batch=[64], dtype=['bfloat16', 'float16']),
    ),
    *[
        Section(
            'inference',
            [PLAIN, OURS, SWIN],
            dict(plain=['eager'], **{OURS.name: FORMS, SWIN.name: ['eager', 'compiled']}),
            dict(mode=['forward'], size=[size], batch=[batch], dtype=['bfloat16']),
        )
        for size, batch in [('224', 64), ('448', 16), ('896', 4)]
    ],
]
"""What a GPU is for, in less than ten minutes, most of which compiling takes at the end."""

PRESETS: dict[str, Sequence[Section]] = dict(table8=[TABLE_8], table10=[TABLE_10], gpu=GPU)
