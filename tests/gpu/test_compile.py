"""Compiled networks on a GPU give the results of plain ones."""

import copy

import pytest
import torch

from vitae_mm.backbones import CeiT, ViTAE, ViTAEv2
from vitae_mm.engine.compilation import compile_backbone

from ..helpers.archs import BLOCKS, PATCH, TWO_STAGES
from .passes import assert_equal, build, run

SIZES = [(2, 3, 64, 96), (2, 3, 96, 64)]
"""The second size is compiled for sizes that vary."""

# small, because compiling takes most of the time
CASES = {
    'vitaev2': (
        ViTAEv2,
        TWO_STAGES,
        dict(attention=['window', 'full'], reduction_attention=['performer', 'window']),
    ),
    'vitae_patch': (ViTAE, dict(PATCH, depths=(1,)), dict(out_type='avg_featmap')),
    'ceit': (CeiT, dict(BLOCKS, depths=(1,)), dict(out_type='cls_token')),
}


@pytest.mark.parametrize('network, arch, options', CASES.values(), ids=CASES)
def test_compiled_training_equals_eager(network, arch, options, device):
    torch._dynamo.reset()
    eager = build(network, arch, **options).to(device)
    compiled = copy.deepcopy(eager)
    compile_backbone(compiled, mode='default')
    for size in SIZES:
        images = torch.randn(size, device=device)
        assert_equal(run(compiled, images), run(eager, images))
