"""Activation checkpointing that leaves batch statistics right."""
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.checkpoint import checkpoint


def checkpoint_module(module: nn.Module, x: Tensor) -> Tensor:
    """``module(x)``, recomputed in the backward pass instead of stored.

    Non-reentrant. The second forward pass updates no running statistics, so
    that training equals training without checkpointing.

    Args:
        module: A cell.
        x: Its input, any shape.
    """
    return checkpoint(module, x, use_reentrant=False,
                      context_fn=lambda: (nullcontext(), _frozen_statistics(module)))


@contextmanager
def _frozen_statistics(module: nn.Module) -> Iterator[None]:
    norms = [m for m in module.modules()
             if isinstance(m, _NormBase) and m.training and m.track_running_stats]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
