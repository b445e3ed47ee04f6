"""Activation checkpointing that updates batch-norm statistics only once."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from vitae_mm.compat import is_compiling


def run_module(module: nn.Module, with_cp: bool, *args: Any) -> Any:
    """``module(*args)``, through :func:`recompute` if ``with_cp``."""
    return recompute(module, *args, module=module) if with_cp else module(*args)


def recompute(
    function: Callable[..., Any], *args: Any, module: nn.Module, random: bool = True
) -> Any:
    """``function(*args)``, recomputed in the backward pass instead of stored.

    Non-reentrant. Recomputation does not update the running statistics of
    batch norms, so that training equals training without checkpointing.

    Args:
        function: A cell or a part of one.
        args: Inputs of the function, of any shape.
        module: Contains the batch norms of the function.
        random: Whether the function draws random numbers, as stochastic depth
            does. Defaults to True.
    """
    if is_compiling():
        # compiled graphs update statistics once and recompute without side effects
        return checkpoint(function, *args, use_reentrant=False)
    return checkpoint(
        function,
        *args,
        use_reentrant=False,
        preserve_rng_state=random,
        context_fn=lambda: (nullcontext(), _FrozenStatistics(module)),
    )


class _FrozenStatistics:
    """Keeps the batch norms of a module from updating their running statistics.

    The context can be entered several times: a retained graph is recomputed
    for every backward pass.
    """

    def __init__(self, module: nn.Module):
        self.module = module

    def __enter__(self) -> None:
        self.kept = []
        for norm in self.module.modules():
            # there is no count without running statistics
            if (
                isinstance(norm, _BatchNorm)
                and norm.training
                and norm.num_batches_tracked is not None
            ):
                self.kept.append((norm, norm.momentum, norm.num_batches_tracked))
                # with momentum 0, the running mean and variance do not change
                norm.momentum, norm.num_batches_tracked = 0.0, norm.num_batches_tracked.clone()

    def __exit__(self, *error: object) -> None:
        for norm, momentum, count in self.kept:
            norm.momentum, norm.num_batches_tracked = momentum, count
