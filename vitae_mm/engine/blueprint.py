import copy

from torch import nn


def without_values(model: nn.Module) -> nn.Module:
    """A copy with the names and shapes of all entries, which takes no memory."""
    empty = {id(p): nn.Parameter(p.to('meta'), p.requires_grad) for p in model.parameters()}
    empty.update((id(b), b.to('meta')) for b in model.buffers())
    return copy.deepcopy(model, empty)
