"""Runs that take milliseconds: a network of two layers on points."""

import copy
import itertools
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, MODELS
from torch import nn
from torch.utils.data import Dataset

from vitae_mm.engine.runner import build_runner

NUMBERS = itertools.count()


@MODELS.register_module()
class PointModel(BaseModel):
    def __init__(self, width: int = 2):
        super().__init__()
        self.first = nn.Linear(1, width)
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, 1)

    def forward(self, inputs, index, mode='tensor'):
        out = self.last(self.norm(self.first(inputs)))
        return dict(loss=(out - inputs.cos()).square().mean()) if mode == 'loss' else out


@DATASETS.register_module()
class Points(Dataset):
    """Notes which of its points are read."""

    def __init__(self, size: int = 16):
        self.points = torch.linspace(-1, 1, size).unsqueeze(1)
        self.read: list[int] = []

    def __len__(self):
        return len(self.points)

    def get_data_info(self, index):
        """The size of an image, for samplers that group them by it."""
        return dict(width=1 + index % 3, height=2)

    def __getitem__(self, index):
        self.read.append(index)
        return dict(inputs=self.points[index], index=index)


class Recorder(Hook):
    """Records what each step is done with: the points, and the options of the optimizer's first
    parameter group; and the state of the optimizer before the first."""

    priority = 'VERY_LOW'

    def __init__(self):
        self.points, self.options = [], []

    def before_train(self, runner):
        self.start = copy.deepcopy(runner.optim_wrapper.optimizer.state_dict()['state'])

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.points.append(data_batch['index'].tolist())
        group = runner.optim_wrapper.optimizer.param_groups[0]
        self.options.append({k: v for k, v in group.items() if k != 'params'})

    @property
    def rates(self):
        return [options['lr'] for options in self.options]


def make_config(folder: Path, **entries) -> Config:
    """A config that trains for two epochs of four steps; ``entries`` replace parts of it, with
    dots in their names written as two underscores."""
    cfg = Config(
        dict(
            work_dir=str(folder),
            experiment_name=f'points_{next(NUMBERS)}',
            default_scope='mmengine',
            model=dict(type='PointModel'),
            train_dataloader=dict(
                batch_size=4,
                num_workers=0,
                sampler=dict(type='DefaultSampler', shuffle=True),
                dataset=dict(type='Points'),
                collate_fn=dict(type='default_collate'),
            ),
            train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=2),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
            param_scheduler=[
                dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=6),
                dict(type='CosineAnnealingLR', eta_min=1e-4),
            ],
            default_hooks=dict(checkpoint=dict(type='vitae_mm.WholeCheckpointHook', interval=1)),
            custom_hooks=[],
            randomness=dict(seed=0),
            log_level='INFO',
        )
    )
    # merging changes what it is given
    options = {name.replace('__', '.'): value for name, value in entries.items()}
    cfg.merge_from_dict(copy.deepcopy(options))
    return cfg


def train(folder: Path, resume: Path | str | None = None, **entries) -> Recorder:
    """Trains as :func:`make_config` says."""
    cfg = make_config(folder, **entries)
    if resume:
        cfg.resume, cfg.load_from = True, str(resume)
    runner, recorder = build_runner(cfg), Recorder()
    runner.register_hook(recorder)
    runner.train()
    recorder.runner = runner
    return recorder
