"""A hook that records the loss of every process; mmengine logs only that of the first."""

import json
from pathlib import Path

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class LossRecorder(Hook):
    def __init__(self):
        self.losses = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses.append(outputs['loss'].item())

    def after_train(self, runner):
        path = Path(runner.work_dir) / f'losses_{get_rank()}.json'
        path.write_text(json.dumps(self.losses))
