from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import EMAHook, Hook
from mmengine.model import ExponentialMovingAverage
from torch import nn

from vitae_mm.engine.hooks import SyncAveragedBuffersHook


def average_in_processes(rank, file, seen):
    torch.distributed.init_process_group('gloo', f'file://{file}', rank=rank, world_size=2)
    hook = EMAHook(update_buffers=True)
    hook.ema_model = ExponentialMovingAverage(nn.BatchNorm1d(1), update_buffers=True)
    hook.ema_model.module.running_mean.fill_(rank)
    SyncAveragedBuffersHook().after_train_epoch(SimpleNamespace(hooks=[Hook(), hook]))
    seen[rank] = hook.ema_model.module.running_mean.item()
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_averaged_statistics_are_equal_in_all_processes(tmp_path):
    with torch.multiprocessing.Manager() as manager:
        seen = manager.dict()
        torch.multiprocessing.spawn(average_in_processes, (tmp_path / 'store', seen), nprocs=2)
        assert dict(seen) == {0: 0.5, 1: 0.5}
