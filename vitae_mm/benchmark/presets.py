"""The networks in ViTAEv2's tables of attention, speed and memory."""

from collections.abc import Mapping

Spec = tuple[str, dict]
"""Arguments of :func:`load_network`: a network, and changes to its config."""

VITAEV2_S = 'vitae_mm::cls/vitaev2_s_300e_in1k.py'

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


def _variant(**options: object) -> Spec:
    """Returns ViTAEv2-S with options of its backbone."""
    return VITAEV2_S, {f'model.backbone.{key}': value for key, value in options.items()}


def _attention(stages: str) -> Spec:
    """Returns ViTAEv2-S with a kind of attention for each stage."""
    kinds = [dict(W='window', F='full', P='performer')[stage] for stage in stages.split()]
    return _variant(attention=kinds, reduction_attention=kinds)


TABLE_8: Mapping[str, Spec] = {
    **{
        stages: _attention(stages)
        for stages in ('P P P P', 'F F F F', 'P P F F', 'W F F F', 'W W F F', 'W W W F', 'W W W W')
    },
    'W W F F, shift': _variant(shift_window=True),
    'W W F F, relative': _variant(relative_position=True),
    'W W F F, both': _variant(shift_window=True, relative_position=True),
}
"""ViTAEv2-S of ViTAEv2, Table 8, by the attention of its four stages: window (W), full (F) or
Performer (P)."""
