"""Activation checkpointing that leaves batch statistics right."""

from contextlib import nullcontext

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def run_module(module: nn.Module, with_cp: bool, *args: object) -> object:
    """``module(*args)``, by :func:`checkpoint_module` if ``with_cp``."""
    return checkpoint_module(module, *args) if with_cp else module(*args)


def checkpoint_module(module: nn.Module, *args: object, random: bool = True) -> object:
    """``module(*args)``, recomputed in the backward pass instead of stored.

    Non-reentrant. The second forward pass updates no running statistics, so
    that training equals training without checkpointing.

    Args:
        module: A cell or a part of one.
        args: Its inputs, of any shape.
        random: Whether it draws random numbers, as stochastic depth does.
            Defaults to True.
    """
    if torch.compiler.is_compiling():
        # a compiled graph changes statistics once and recomputes without effects
        return checkpoint(module, *args, use_reentrant=False)
    return checkpoint(
        module,
        *args,
        use_reentrant=False,
        preserve_rng_state=random,
        context_fn=lambda: (nullcontext(), _FrozenStatistics(module)),
    )


class _FrozenStatistics:
    """Inside, the batch norms of a module leave their running statistics alone.

    May be entered again: a graph that is kept is recomputed for every
    backward pass.
    """

    def __init__(self, module: nn.Module):
        self.module = module

    def __enter__(self) -> None:
        norms = [
            m
            for m in self.module.modules()
            if isinstance(m, _BatchNorm) and m.training and m.track_running_stats
        ]
        self.kept = [(norm, norm.momentum, norm.num_batches_tracked) for norm in norms]
        for norm in norms:
            # momentum 0 adds nothing to the running mean and variance
            norm.momentum, norm.num_batches_tracked = 0.0, norm.num_batches_tracked.clone()

    def __exit__(self, *error: object) -> None:
        for norm, momentum, count in self.kept:
            norm.momentum, norm.num_batches_tracked = momentum, count
