"""The networks of the papers' tables of speed and memory."""

from collections.abc import Mapping
from pathlib import Path

CONFIGS = Path(__file__).parents[2] / 'configs/cls'

TABLE_10: Mapping[str, str] = {
    'ViT-S': 'mmpretrain::deit/deit-small_4xb256_in1k.py',
    'ViT-B': 'mmpretrain::vision_transformer/vit-base-p16_64xb64_in1k.py',
    'T2T-ViT-14': 'mmpretrain::t2t_vit/t2t-vit-t-14_8xb64_in1k.py',
    'T2T-ViT-24': 'mmpretrain::t2t_vit/t2t-vit-t-24_8xb64_in1k.py',
    'Swin-T': 'mmpretrain::swin_transformer/swin-tiny_16xb64_in1k.py',
    'ViTAEv2-S': str(CONFIGS / 'vitaev2_s_300e_in1k.py'),
}
"""ViTAEv2, Table 10: what :func:`load_network` takes, by name."""

TABLE_10_SIZES = (224, 448, 896)

TABLE_8: Mapping[str, str] = {
    name: str(CONFIGS / 'ablations' / f'vitaev2_s_100e_in1k{suffix}.py')
    for name, suffix in {
        'P P P P': '_attention_pppp',
        'F F F F': '_attention_ffff',
        'P P F F': '_attention_ppff',
        'W F F F': '_attention_wfff',
        'W W F F': '',
        'W W W F': '_attention_wwwf',
        'W W W W': '_attention_wwww',
        'W W F F, shift': '_shift',
        'W W F F, relative': '_relative_position',
        'W W F F, both': '_shift_relative_position',
    }.items()
}
"""ViTAEv2, Table 8: attention of the four stages, window (W), full (F) or
Performer (P), by name."""
