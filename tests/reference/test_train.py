"""The plain networks in train mode: batch statistics, and a gradient for every parameter."""

import pytest
import torch

from ..helpers import golden
from .ceit import ceit
from .vitae import vitae, vitae_patch
from .vitaev2 import vitaev2

BUFFERS = ('running_mean', 'running_var', 'attn.w')


@pytest.mark.parametrize(
    'name, network, arch',
    [
        ('ViTAEv2_S', vitaev2, 'small'),
        ('ViTAE_basic_Tiny', vitae, 'tiny'),
        ('ceit_tiny_patch16_224', ceit, 'tiny'),
        pytest.param('ViTAE_basic_Base', vitae_patch, 'base', marks=pytest.mark.slow),
    ],
)
def test_training_uses_batch_statistics_and_reaches_every_parameter(name, network, arch):
    state = golden.published_weights(name)
    parameters = {
        key: value.requires_grad_()
        for key, value in state.items()
        if value.is_floating_point() and not key.endswith(BUFFERS)
    }
    buffers = {key: value.clone() for key, value in state.items() if key not in parameters}
    image = golden.image(2, 3, 224, 224)
    logits = network(state, image, arch, train=True)['logits']
    logits.square().mean().backward()

    assert all(value.grad is not None for value in parameters.values())
    assert all(value.grad.isfinite().all() for value in parameters.values())
    assert all(torch.equal(state[key], value) for key, value in buffers.items())
    assert not torch.allclose(logits, network(state, image, arch)['logits'], rtol=1e-2)
