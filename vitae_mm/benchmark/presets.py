"""The networks of the papers' tables of speed and memory."""

from collections.abc import Mapping
from pathlib import Path

Spec = tuple[str, dict]
"""What :func:`load_network` loads: a network, and changes of its config."""

CONFIGS = Path(__file__).parents[2] / 'configs/cls'
VITAEV2_S = str(CONFIGS / 'vitaev2_s_300e_in1k.py')

TABLE_10: Mapping[str, Spec] = {
    'ViT-S': ('mmpretrain::deit/deit-small_4xb256_in1k.py', {}),
    'ViT-B': ('mmpretrain::vision_transformer/vit-base-p16_64xb64_in1k.py', {}),
    'T2T-ViT-14': ('mmpretrain::t2t_vit/t2t-vit-t-14_8xb64_in1k.py', {}),
    'T2T-ViT-24': ('mmpretrain::t2t_vit/t2t-vit-t-24_8xb64_in1k.py', {}),
    'Swin-T': ('mmpretrain::swin_transformer/swin-tiny_16xb64_in1k.py', {}),
    'ViTAEv2-S': (VITAEV2_S, {}),
}
"""Networks of ViTAEv2, Table 10, by name."""

TABLE_10_SIZES = (224, 448, 896)


def _attention(*kinds: str) -> Spec:
    """ViTAEv2-S with a kind of attention for each stage."""
    stages = list(kinds)
    changes = {'attention': stages, 'reduction_attention': stages}
    return VITAEV2_S, {f'model.backbone.{key}': value for key, value in changes.items()}


def _position(*options: str) -> Spec:
    """ViTAEv2-S with options for the position of tokens in its windows."""
    return VITAEV2_S, {f'model.backbone.{option}': True for option in options}


W, F, P = 'window', 'full', 'performer'
TABLE_8: Mapping[str, Spec] = {
    'P P P P': _attention(P, P, P, P),
    'F F F F': _attention(F, F, F, F),
    'P P F F': _attention(P, P, F, F),
    'W F F F': _attention(W, F, F, F),
    'W W F F': (VITAEV2_S, {}),
    'W W W F': _attention(W, W, W, F),
    'W W W W': _attention(W, W, W, W),
    'W W F F, shift': _position('shift_window'),
    'W W F F, relative': _position('relative_position'),
    'W W F F, both': _position('shift_window', 'relative_position'),
}
"""ViTAEv2-S of ViTAEv2, Table 8, by the attention of its four stages: window (W), full (F)
or Performer (P)."""
