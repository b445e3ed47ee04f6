"""The layers that class activation uses by default."""

from torch import nn

from vitae_mm.analysis.activation_layers import default_layers

from ..helpers.archs import NARROW


def test_default_layers_are_those_of_all_cells():
    for network, arch in NARROW.values():
        model = nn.Module()
        model.backbone = network(arch)
        layers = default_layers(model)
        depth = sum(len(stage.cells) for stage in model.backbone.stages)
        assert len(layers) == depth + len(model.backbone.stages)
