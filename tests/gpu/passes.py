"""Running forward and backward passes, and comparing them."""

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

# in float32, where the CPU's rounding errors are below 6e-6 and 1.1e-5
OUTPUTS = 1e-4
"""Largest difference of outputs and buffers, relative to the largest value."""

GRADIENTS = 1e-3
"""Norm of the difference of a parameter's gradients, relative to the norm of the gradient."""

ROUNDING = 1e-5
"""The same, relative to the norm over all parameters: the gradient of a bias before a batch norm
consists of rounding errors."""


class Pass(NamedTuple):
    """What a forward and backward pass in train mode gives, on the CPU."""

    outputs: list[Tensor]
    gradients: dict[str, Tensor]
    buffers: dict[str, Tensor]


def build(network, arch, **options):
    """A network in train mode that draws no random numbers."""
    model = network(arch, **options)
    for module in model.modules():
        # Performers drop values even without the option
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model.train()


def loss_of(outputs):
    """A scalar in which every element of the outputs has a different weight."""
    return sum(
        (y * torch.linspace(-1, 1, y.numel(), device=y.device).reshape(y.shape)).sum()
        for y in outputs
    )


def run(model, images):
    """Runs a model once, from its current buffers, which do not change."""
    start = copy.deepcopy(dict(model.named_buffers()))
    model.zero_grad()
    outputs = model(images)
    loss_of(outputs).backward()
    done = Pass(
        [y.detach().cpu() for y in outputs],
        {name: p.grad.cpu() for name, p in model.named_parameters() if p.requires_grad},
        {name: b.cpu().clone() for name, b in model.named_buffers()},
    )
    for name, buffer in model.named_buffers():
        buffer.copy_(start[name])
    return done


def difference(ours, theirs):
    """The largest difference, relative to the largest value of the second tensor."""
    ours, theirs = (torch.as_tensor(x).detach().cpu().double() for x in (ours, theirs))
    assert ours.shape == theirs.shape
    return ((ours - theirs).abs().max() / theirs.abs().max()).item()


def assert_equal(ours, theirs):
    """Checks that two passes in float32 agree up to rounding."""
    for a, b in zip(ours.outputs, theirs.outputs, strict=True):
        assert difference(a, b) <= OUTPUTS
    assert_close(ours.gradients, theirs.gradients)
    for name, buffer in theirs.buffers.items():
        assert torch.allclose(ours.buffers[name], buffer, rtol=OUTPUTS, atol=OUTPUTS), name


def assert_close(ours, theirs):
    """Checks that gradients, by name, agree up to rounding."""
    assert ours.keys() == theirs.keys()
    total = torch.stack([gradient.norm() for gradient in theirs.values()]).norm()
    for name, gradient in theirs.items():
        least = ROUNDING * total
        assert (ours[name] - gradient).norm() <= GRADIENTS * gradient.norm() + least, name
