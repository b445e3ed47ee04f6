"""A model without its weights."""
import copy

import torch
from mmengine.config import Config
from torch import nn

from vitae_mm.engine.complexity import build_model


def outline_model(cfg: Config) -> nn.Module:
    """The model of a config, with the names and shapes of its weights; where
    its network allows it, without memory for them.

    Args:
        cfg: Of any of the codebases.

    Raises:
        InputError: For what our networks refuse.
    """
    try:
        with torch.device('meta'):
            return build_model(copy.deepcopy(cfg))
    except (RuntimeError, TypeError):
        # some networks, Swin among them, read numbers off tensors while they are built
        return build_model(copy.deepcopy(cfg))
