"""Recomputation on a GPU saves memory and changes nothing, and training does not leak memory."""

import copy

import pytest
import torch

from vitae_mm.backbones import ViTAE, ViTAEv2
from vitae_mm.engine.optim import MixedPrecisionOptimWrapper

from ..helpers.archs import FAST, NARROW
from .passes import assert_equal, build, loss_of, run

STEPS = 50
WARMUP = 5
"""Steps after which the optimizer has its state and cuDNN its workspaces."""


def peak(model, images):
    """Bytes that a forward and backward pass needs, besides the gradients."""
    loss_of(model(images)).backward()
    torch.cuda.reset_peak_memory_stats()
    start = torch.cuda.memory_allocated()
    loss_of(model(images)).backward()
    return torch.cuda.max_memory_allocated() - start


@pytest.mark.parametrize('network, arch', NARROW.values(), ids=NARROW)
def test_checkpointing_changes_nothing(network, arch, device):
    plain = network(arch, drop_path_rate=0.3, drop_rate=0.1).train().to(device)
    saving = copy.deepcopy(plain)
    saving.with_cp = True
    images = torch.randn(2, 3, 75, 131, device=device)
    results = []
    for model in (saving, plain):
        # dropout and stochastic depth draw the same numbers again in the backward pass
        torch.manual_seed(1)
        results.append(run(model, images))
    assert_equal(*results)


@pytest.mark.parametrize('network, arch', FAST)
def test_checkpointing_saves_memory(network, arch, device):
    images = torch.randn(8, 3, 224, 224, device=device)
    plain, saving = (
        peak(network(arch, with_cp=with_cp).train().to(device), images) for with_cp in (False, True)
    )
    assert saving < 0.75 * plain


@pytest.mark.parametrize('name', ['vitaev2', 'vitae', 'vitae_patch'])
def test_recomputed_parallel_convs_change_nothing(name, device):
    stored = build(*NARROW[name], pcm_recompute=False).to(device)
    recomputed = build(*NARROW[name], pcm_recompute=True).to(device)
    recomputed.load_state_dict(stored.state_dict())
    images = torch.randn(2, 3, 75, 131, device=device)
    assert_equal(run(recomputed, images), run(stored, images))


@pytest.mark.parametrize(
    'network, arch', [(ViTAEv2, 'small'), (ViTAE, 'tiny')], ids=['ViTAEv2-small', 'ViTAE-tiny']
)
def test_recomputed_parallel_convs_save_memory(network, arch, device):
    images = torch.randn(8, 3, 224, 224, device=device)
    stored, recomputed = (
        peak(network(arch, pcm_recompute=recompute).train().to(device), images)
        for recompute in (False, True)
    )
    assert recomputed < stored


@pytest.mark.parametrize('with_cp', [False, True], ids=['plain', 'checkpointing'])
@pytest.mark.parametrize('network, arch', FAST)
def test_training_does_not_leak_memory(network, arch, with_cp, device):
    model = network(arch, with_cp=with_cp, drop_path_rate=0.1).train().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    wrapper = MixedPrecisionOptimWrapper(optimizer=optimizer, dtype='bfloat16')
    images = torch.randn(4, 3, 96, 96, device=device)
    allocated = []
    for _ in range(STEPS):
        with wrapper.optim_context(model):
            loss = sum(m.float().square().mean() for m in model(images))
        wrapper.update_params(loss)
        del loss
        allocated.append(torch.cuda.memory_allocated())
    assert set(allocated[WARMUP:]) == {allocated[-1]}
