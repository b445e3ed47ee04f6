import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.hooks import EMAHook, Hook
from mmengine.model import ExponentialMovingAverage
from mmengine.runner import BaseLoop
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from vitae_mm.backbones import ViTAEv2
from vitae_mm.engine.hooks import (
    CheckpointMatchHook,
    EpochSeedHook,
    FuseHook,
    SyncAveragedBuffersHook,
    seed_worker,
)
from vitae_mm.errors import InputError

from ...helpers.archs import TWO_STAGES


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_an_epoch_s_seed_does_not_depend_on_what_was_before():
    hook, drawn = EpochSeedHook(), []
    for epoch in (0, 1, 1):
        hook.before_train_epoch(SimpleNamespace(seed=7, iter=10 * epoch))
        drawn.append(draw())
    assert drawn[0] != drawn[1] == drawn[2]


def test_workers_follow_torch_s_seed():
    drawn = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        seed_worker(0)
        drawn.append(draw())
    assert drawn[0] == drawn[1] != drawn[2]


class Loop(BaseLoop):
    def __init__(self):
        pass

    def run(self):
        pass


@pytest.fixture
def model():
    return nn.ModuleDict(dict(backbone=nn.Linear(2, 2), head=nn.Linear(2, 3)))


def load(model, state, training, resume=False):
    runner = SimpleNamespace(
        model=model,
        _train_loop=Loop() if training else {},
        _resume=resume,
        _load_from='a.pth',
        work_dir='w',
    )
    checkpoint = dict(model=state)
    CheckpointMatchHook().after_load_checkpoint(runner, checkpoint)
    # mmengine reads this entry alone
    assert checkpoint['state_dict'].keys() == state.keys()


def test_another_head_may_start_a_run_but_not_be_tested(model):
    state = {**model.state_dict(), 'head.weight': torch.zeros(5, 2)}
    load(model, state, training=True)
    for training, resume in ((False, False), (True, True)):
        with pytest.raises(InputError, match='head.weight'):
            load(model, state, training, resume)


def test_another_backbone_may_not_start_a_run(model):
    state = {'backbone.conv.weight': torch.zeros(1), 'head.weight': torch.zeros(3, 2)}
    with pytest.raises(InputError, match='0 of 2 keys matched, 2 missing.*1 unexpected'):
        load(model, state, training=True)


def test_a_whole_checkpoint_passes(model):
    for training, resume in ((False, False), (True, True), (True, False)):
        load(model, model.state_dict(), training, resume)


def test_stages_that_are_not_built_do_not_count(tmp_path):
    whole = ViTAEv2(TWO_STAGES)
    model = nn.ModuleDict(
        dict(backbone=ViTAEv2(TWO_STAGES, out_indices=(0,)), head=nn.Linear(2, 3))
    )
    load(
        model,
        {f'backbone.{key}': value for key, value in whole.state_dict().items()},
        training=True,
    )


def average_in_processes(rank, file, seen):
    torch.distributed.init_process_group('gloo', f'file://{file}', rank=rank, world_size=2)
    hook = EMAHook(update_buffers=True)
    hook.ema_model = ExponentialMovingAverage(nn.BatchNorm1d(1), update_buffers=True)
    hook.ema_model.module.running_mean.fill_(rank)
    SyncAveragedBuffersHook().after_train_epoch(SimpleNamespace(hooks=[Hook(), hook]))
    seen[rank] = hook.ema_model.module.running_mean.item()
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_averaged_statistics_are_the_same_in_all_processes(tmp_path):
    with torch.multiprocessing.Manager() as manager:
        seen = manager.dict()
        torch.multiprocessing.spawn(average_in_processes, (tmp_path / 'store', seen), nprocs=2)
        assert dict(seen) == {0: 0.5, 1: 0.5}


def test_a_fused_copy_is_tested():
    """The model itself comes back, with its batch norms."""
    model = ViTAEv2(TWO_STAGES)
    runner = SimpleNamespace(model=model)
    hook = FuseHook()
    hook.before_test(runner)
    assert runner.model is not model and not runner.model.training
    assert not any(isinstance(module, _BatchNorm) for module in runner.model.modules())
    hook.after_test(runner)
    assert runner.model is model
    assert any(isinstance(module, _BatchNorm) for module in model.modules())
