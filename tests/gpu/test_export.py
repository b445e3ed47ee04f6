"""Networks exported on a GPU can be saved, reloaded and run there."""

import pytest
import torch
from torch import nn

from vitae_mm.export import DeployedNetwork, export_program

from ..helpers.archs import NARROW
from ..helpers.stacks import needs_torch
from .passes import build, difference

SIZES = [(1, 64, 96), (3, 75, 131), (2, 224, 224)]


class Model(nn.Module):
    """A model with a backbone, like a detector."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone


@needs_torch('2.6', 'exporting a network')
@pytest.mark.parametrize('dynamic', [False, True], ids=['one-size', 'any-size'])
@pytest.mark.parametrize('network, arch', NARROW.values(), ids=NARROW)
@torch.no_grad()
def test_a_reloaded_program_gives_the_same_outputs(network, arch, dynamic, device, tmp_path):
    model = DeployedNetwork(Model(build(network, arch))).eval().to(device)
    images = torch.randn(1, 3, 64, 96, device=device)
    torch.export.save(export_program(model, images, dynamic), tmp_path / 'model.pt2')
    program = torch.export.load(tmp_path / 'model.pt2').module(check_guards=False)
    for batch, *size in SIZES if dynamic else SIZES[:1]:
        images = torch.randn(batch, 3, *size, device=device)
        for ours, theirs in zip(program(images), model(images), strict=True):
            assert ours.device == theirs.device
            assert difference(ours, theirs) <= 1e-4
