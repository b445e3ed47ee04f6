"""The memory format of an optimizer's moments."""

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor


def match_moments(optim_wrapper: OptimWrapper | OptimWrapperDict) -> None:
    """Gives the moments of optimizers the memory format of their parameters.

    Loaded moments have the format of the device that saved them. Fused optimizers go through
    parameters and moments in the order of memory: with different formats, those of PyTorch 2.11
    update the wrong entries on CPUs.
    """
    several = isinstance(optim_wrapper, OptimWrapperDict)
    for wrapper in optim_wrapper.values() if several else [optim_wrapper]:
        for parameter, state in wrapper.optimizer.state.items():
            for name, value in state.items():
                if (
                    isinstance(value, Tensor)
                    and value.shape == parameter.shape
                    and value.stride() != parameter.stride()
                ):
                    state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
