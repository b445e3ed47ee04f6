"""Compiled backbones take any size without being compiled again and again."""

import random

import pytest
import torch
from torch._dynamo.utils import counters

from vitae_mm.engine import compilation
from vitae_mm.engine.compilation import compile_backbone

from ..helpers.archs import NARROW
from ..helpers.stacks import needs_torch

OPTIONS = dict(
    vitaev2=dict(out_indices=(0, 1, 2, 3)),
    shifted=dict(out_indices=(0, 1, 2, 3), shift_window=True, relative_position=True),
)


@pytest.fixture(autouse=True)
def fresh_compiler():
    torch.compiler.reset()
    counters.clear()
    yield
    torch.compiler.reset()


@pytest.fixture
def without_code_generation(monkeypatch):
    """Compiles to graphs only: generated C++ takes minutes."""
    monkeypatch.setattr(
        compilation, 'compile_module', lambda module, options: module.compile(backend='eager')
    )


def build(name):
    network, arch = NARROW['vitaev2' if name == 'shifted' else name]
    torch.manual_seed(0)
    return network(arch, **OPTIONS.get(name, {})).train()


@needs_torch('2.4', 'compiling for sizes that vary')
@pytest.mark.parametrize('name', [*NARROW, 'shifted'])
def test_twenty_sizes_take_two_compilations(name, without_code_generation):
    model = build(name)
    compile_backbone(model)
    random.seed(0)
    sizes = [(random.randint(64, 200), random.randint(64, 200)) for _ in range(20)]
    for size in sizes:
        model(torch.rand(2, 3, *size))
    assert counters['stats']['unique_graphs'] == 2


@needs_torch('2.4', 'compiling without graph breaks')
def test_one_size_is_compiled_once(without_code_generation):
    model = build('vitaev2')
    compile_backbone(model)
    for _ in range(3):
        model(torch.rand(2, 3, 64, 96))
    assert counters['stats']['unique_graphs'] == 1


@needs_torch('2.4', 'compiling for sizes that vary')
@pytest.mark.parametrize('name', [*NARROW, 'shifted'])
def test_compiled_networks_equal_eager_ones(name, without_code_generation):
    model, compiled = build(name).double().eval(), build(name).double().eval()
    compile_backbone(compiled)
    for size in ((70, 75), (64, 128), (81, 98)):
        x = torch.rand(1, 3, *size).double()
        for ours, theirs in zip(compiled(x), model(x), strict=True):
            torch.testing.assert_close(ours, theirs)


@pytest.mark.slow
@needs_torch('2.4', 'compiling for sizes that vary')
def test_generated_code_trains_on_sizes_that_vary():
    model, compiled = build('vitae_patch'), build('vitae_patch')
    compile_backbone(compiled)
    for size in ((66, 75), (81, 98), (64, 128), (120, 77)):
        x = torch.rand(2, 3, *size)
        for network in (model, compiled):
            network.zero_grad()
            network(x)[0].square().mean().backward()
        for (name, ours), theirs in zip(
            compiled.named_parameters(), model.parameters(), strict=True
        ):
            torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-4, rtol=1e-3, msg=name)
    assert counters['stats']['unique_graphs'] == 2
