"""The plain networks with weights of the package's networks: a baseline for speed, and the
reference for every fast path.

    python tools/benchmark.py tests/reference/configs/plain_vitaev2_s.py \\
        configs/cls/vitaev2_s_300e_in1k.py
"""

import re
from functools import partial

from mmengine.registry import MODELS
from torch import nn

from vitae_mm.backbones import CeiT, ViTAEv2
from vitae_mm.checkpoints import convert_state_dict, identify_layout

from ..helpers import golden
from .ceit import ceit
from .vitae import vitae, vitae_patch
from .vitaev2 import vitaev2

PATCH_ARCHS = ('base', 'large', 'huge')


def family_of(network):
    """The plain function of a network of the package, and a golden file with its key names."""
    if isinstance(network, ViTAEv2):
        return vitaev2, 'ViTAEv2_S'
    if isinstance(network, CeiT):
        return ceit, 'ceit_tiny_patch16_224'
    if network.arch in PATCH_ARCHS:
        return vitae_patch, 'ViTAE_basic_Base'
    return vitae, 'ViTAE_basic_Tiny'


def published_names(network):
    """Maps the published name of every entry of a network to the package's."""
    _, weights = family_of(network)
    published = golden.published_weights(weights)
    convert = partial(convert_state_dict, layout=identify_layout(published))
    ours = network.state_dict()
    names = {}
    for key, value in published.items():
        # all cells of a stage are named like the first
        cells = range(len(ours)) if re.search(r'\b(NC|blocks)\.0\.', key) else (0,)
        for cell in cells:
            copy = re.sub(r'\b(NC|blocks)\.0\.', rf'\1.{cell}.', key)
            name = next(iter(convert({copy: value})), '').removeprefix('backbone.')
            if name in ours:
                names[copy] = name
            elif cells != (0,):
                break
    assert set(names.values()) == set(ours), set(ours) - set(names.values())
    return names


class PlainNetwork(nn.Module):
    """Runs the plain function with the parameters of a network of the package."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.function, _ = family_of(network)
        self.names = published_names(network)

    def forward(self, image):
        """(B, 3, H, W) -> a tuple of one (B, D), or of the maps of ViTAEv2."""
        ours = dict(self.network.named_parameters()) | dict(self.network.named_buffers())
        state = {theirs: ours[name] for theirs, name in self.names.items()}
        outputs = self.function(state, image, self.network.arch, self.network.training)
        if self.network.out_type == 'featmap':
            return tuple(outputs['maps'][index] for index in self.network.out_indices)
        return (outputs['features'],)


@MODELS.register_module()
def plain(backbone):
    """Builds the plain network of a backbone, for configs."""
    return PlainNetwork(MODELS.build(backbone))
