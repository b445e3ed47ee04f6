"""Training in half precision stays finite."""

import pytest
import torch
from torch import nn

from vitae_mm.layers import FullAttention, PerformerAttention

from ..helpers.archs import PUBLISHED, classifier_out_type
from ..helpers.stacks import needs_torch

UP_TO_BASE = [(network, arch) for network, arch, _ in PUBLISHED if arch not in ('large', 'huge')]
TINY = [(network, arch) for network, arch in UP_TO_BASE if arch == 'tiny']
STEPS = 50


@pytest.mark.parametrize(
    'dtype',
    [
        pytest.param(torch.bfloat16, id='bf16'),
        pytest.param(torch.float16, id='fp16', marks=needs_torch('2.3', 'float16 on CPUs')),
    ],
)
@pytest.mark.parametrize(
    'network, arch',
    [
        pytest.param(*pair, marks=() if pair in TINY else pytest.mark.exhaustive)
        for pair in UP_TO_BASE
    ],
)
def test_fifty_steps_stay_finite(network, arch, dtype):
    torch.manual_seed(0)
    model = network(arch, out_type=classifier_out_type(network))
    model.init_weights()
    width = model.stages[-1].cells[-1].norm1.normalized_shape[0]
    head = nn.Linear(width, 10)
    parameters = [p for p in (*model.parameters(), *head.parameters()) if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)
    if dtype == torch.float16:
        scaler = torch.amp.GradScaler('cpu')
    else:
        scaler = torch.cuda.amp.GradScaler(enabled=False)
    taken = 0
    for _ in range(STEPS):
        x, labels = torch.randn(2, 3, 32, 32), torch.randint(10, (2,))
        with torch.autocast('cpu', dtype=dtype):
            loss = nn.functional.cross_entropy(head(model(x)[-1]), labels)
        assert loss.isfinite()
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scale = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        taken += scaler.get_scale() >= scale
    # the scaler may skip a few steps until it finds its scale
    assert taken >= STEPS - 10
    assert all(p.isfinite().all() for p in parameters)
    assert all(b.isfinite().all() for b in model.buffers())


def test_norms_and_softmax_are_computed_in_float32():
    torch.manual_seed(0)
    norm, attention = nn.LayerNorm(64, eps=1e-6), FullAttention(64, 64, 2)
    attention.qkv.weight.data.mul_(20)  # large logits, of which bfloat16 keeps three digits
    x = (100 + torch.randn(4, 50, 64)).bfloat16()
    centered = x - 100
    with torch.autocast('cpu', dtype=torch.bfloat16):
        normed, attended = norm(x), attention(centered)
        q, k, v = attention.queries_keys_values(centered)
    expected = norm(x.float())
    torch.testing.assert_close(normed.float(), expected, atol=2e-3, rtol=2**-8)
    weights = (q.double() @ k.double().mT / 32**0.5).softmax(-1)
    assert weights.amax(-1).mean() > 0.5
    out = (weights @ v.double()).transpose(1, 2).flatten(2)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        expected = attention.proj(out.bfloat16())
    torch.testing.assert_close(attended.float(), expected.float(), atol=0.05, rtol=0.02)


def test_performer_exponentials_stay_in_float32():
    torch.manual_seed(0)
    module = PerformerAttention(8, 16, num_heads=2).eval()
    x = torch.randn(2, 50, 8) * 8
    seen = []
    module.phi = lambda x, phi=module.phi: seen.append(phi(x)) or seen[-1]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert module(x).isfinite().all()
    assert {values.dtype for values in seen} == {torch.float32}
