"""Recomputation does not change training."""

import copy

import pytest
import torch
from torch import nn

from vitae_mm.layers import ParallelConv, run_module


@pytest.fixture
def both():
    """A parallel convolution, and a Sequential of its layers."""
    torch.manual_seed(0)
    lean = ParallelConv(4, (8, 8), 12, groups=4).double()
    return lean, nn.Sequential(*copy.deepcopy(lean))


@pytest.fixture
def x():
    torch.manual_seed(1)
    return torch.randn(3, 4, 6, 7).double()


def run(lean, x):
    return lean(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def assert_same_state(lean, plain):
    states = lean.state_dict().items(), plain.state_dict().values()
    for (name, ours), theirs in zip(*states, strict=True):
        torch.testing.assert_close(ours, theirs, msg=name)


def assert_same_gradients(lean, plain):
    for (name, ours), theirs in zip(lean.named_parameters(), plain.parameters(), strict=True):
        assert (ours.grad is None) == (theirs.grad is None)
        if ours.grad is not None:
            torch.testing.assert_close(ours.grad, theirs.grad, msg=name)


def test_several_backward_passes_of_one_graph_are_equal(both, x):
    lean, plain = both
    for out in (run(lean, x), plain(x)):
        out.sum().backward(retain_graph=True)
        out.square().sum().backward()
    assert_same_gradients(lean, plain)
    assert_same_state(lean, plain)


def test_gradients_of_gradients_are_equal(both, x):
    penalties = []
    for function in (lambda x: run(both[0], x), both[1]):
        inputs = x.clone().requires_grad_()
        (grad,) = torch.autograd.grad(function(inputs).square().sum(), inputs, create_graph=True)
        penalties.append(grad.square().sum())
        penalties[-1].backward()
    torch.testing.assert_close(*penalties)
    assert_same_gradients(*both)


def test_two_forward_passes_before_one_backward_are_equal(both, x):
    lean, plain = both
    (run(lean, x) + run(lean, 2 * x)).square().sum().backward()
    (plain(x) + plain(2 * x)).square().sum().backward()
    assert_same_gradients(lean, plain)
    assert_same_state(lean, plain)


def test_norms_in_eval_mode_and_frozen_convs_are_supported(both, x):
    lean, plain = both
    for part in (lean.norm1, plain[1]):
        part.eval()
    for part in (lean.conv1, plain[0]):
        part.requires_grad_(False)
    run(lean, x).square().sum().backward()
    plain(x).square().sum().backward()
    assert_same_gradients(lean, plain)
    assert_same_state(lean, plain)


def test_autocast_is_supported(both, x):
    lean, plain = (part.float() for part in both)
    with torch.autocast('cpu', torch.bfloat16):
        ours, theirs = run(lean, x.float()), plain(x.float())
    assert ours.dtype == torch.bfloat16 and torch.equal(ours, theirs)
    ours.float().square().sum().backward()
    theirs.float().square().sum().backward()
    assert_same_gradients(lean, plain)


def test_it_can_be_nested_in_a_recomputed_module(both, x):
    lean, plain = both
    run_module(lean, True, x.permute(0, 2, 3, 1)).square().sum().backward()
    plain(x).square().sum().backward()
    assert_same_gradients(lean, plain)
    assert_same_state(lean, plain)


def test_random_numbers_are_drawn_again():
    x = torch.rand(100).requires_grad_()
    out = run_module(nn.Dropout(0.5), True, x)
    out.sum().backward()
    # the gradient is the scaled mask of the forward pass
    torch.testing.assert_close(x.grad * x.detach(), out.detach())
