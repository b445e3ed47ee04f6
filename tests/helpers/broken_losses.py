"""A hook that breaks weights, so that the next loss is not finite."""

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

WEIGHTS = 'head.fc.weight'


@HOOKS.register_module()
class BreakWeights(Hook):
    def __init__(self, step):
        self.step = step

    @torch.no_grad()
    def after_train_iter(self, runner, **kwargs):
        if runner.iter + 1 == self.step:
            runner.model.get_parameter(WEIGHTS).fill_(float('nan'))
