"""Networks for the tests: narrow ones for quick tests, and all published ones."""

import pytest

from vitae_mm.backbones import CeiT, ViTAE, ViTAEv2

TWO_STAGES = dict(
    branch_dims=(8, 8),
    dims=(8, 16),
    depths=(1, 1),
    num_heads=(1, 2),
    reduction_heads=(1, 1),
    groups=(1, 4),
    reduction_groups=(1, 4),
)
FOUR_STAGES = dict(
    branch_dims=(8, 8, 8, 8),
    dims=(8, 16, 16, 32),
    depths=(1, 2, 2, 1),
    num_heads=(1, 2, 2, 4),
    reduction_heads=(1, 1, 2, 4),
    groups=(1, 4, 4, 8),
    reduction_groups=(1, 4, 8, 8),
)
PYRAMID = dict(
    branch_dims=(8, 8, 8),
    dims=(8, 12, 16),
    depths=(0, 0, 3),
    num_heads=(1, 1, 2),
    mlp_ratios=(2, 2, 2),
    groups=(1, 1, 4),
)
PATCH = dict(dims=(16,), depths=(3,), num_heads=(2,), groups=(4,))
BLOCKS = dict(dims=(16,), depths=(3,), num_heads=(2,))

NARROW = {
    'vitaev2': (ViTAEv2, FOUR_STAGES),
    'vitae': (ViTAE, PYRAMID),
    'vitae_patch': (ViTAE, PATCH),
    'ceit': (CeiT, BLOCKS),
}
"""A network of each form, by name."""

# published numbers of parameters in millions, with a linear layer for 1000 classes
PUBLISHED = [
    (ViTAEv2, 'small', 19.356),
    (ViTAEv2, '48m', 48.675),
    (ViTAEv2, 'base', 89.693),
    (ViTAE, 'tiny', 4.887),
    (ViTAE, '6m', 6.614),
    (ViTAE, '13m', 13.197),
    (ViTAE, 'small', 24.032),
    (ViTAE, 'base', 89.342),
    (ViTAE, 'large', 311.724),
    (ViTAE, 'huge', 644.528),
    (CeiT, 'tiny', 6.357),
    (CeiT, 'small', 24.205),
    (CeiT, 'base', 94.405),
]
FAST = [(ViTAEv2, 'small'), (ViTAE, 'tiny'), (CeiT, 'tiny')]


def every_arch():
    """Narrow and published networks as test parameters; the larger are slow."""
    narrow = [pytest.param(*pair, id=f'narrow-{name}') for name, pair in NARROW.items()]
    return narrow + [
        pytest.param(
            network,
            arch,
            id=f'{network.__name__}-{arch}',
            marks=() if (network, arch) in FAST else pytest.mark.slow,
        )
        for network, arch, _ in PUBLISHED
    ]


def classifier_out_type(network):
    """The out_type that the published classifier of a network uses."""
    return 'cls_token' if network is CeiT else 'avg_featmap'
