"""A hook that training processes load by a config."""

from pathlib import Path

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class StatisticsRecorder(Hook):
    """Writes the batch norm statistics that each process validates with."""

    priority = 'VERY_LOW'

    def before_val_epoch(self, runner):
        model = getattr(runner.model, 'module', runner.model)
        statistics = {k: v for k, v in model.state_dict().items() if 'running' in k}
        torch.save(statistics, Path(runner.work_dir) / f'{runner.iter}_{runner.rank}.pth')
