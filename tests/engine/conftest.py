import pytest
import torch
from mmengine.config import Config

from vitae_mm.engine.distributed import free_port

from ..helpers import training
from ..helpers.archs import TWO_STAGES


@pytest.fixture
def cfg():
    """The config of a narrow classifier."""
    return Config(
        dict(
            default_scope='mmpretrain',
            work_dir='none',
            model=dict(
                type='ImageClassifier',
                backbone=dict(type='vitae_mm.ViTAEv2', arch=TWO_STAGES),
                neck=dict(type='GlobalAveragePooling'),
                head=dict(type='LinearClsHead', num_classes=3, in_channels=16),
            ),
        )
    )


@pytest.fixture
def config(data, tmp_path):
    """A config with sharded training."""
    strategy = dict(type='FSDPStrategy')
    return training.write_classifier(tmp_path / 'c.py', data, batch_size=4, strategy=strategy)


@pytest.fixture
def one_process(monkeypatch):
    """Environment of a process group with a single process."""
    for key, value in dict(
        RANK=0, LOCAL_RANK=0, WORLD_SIZE=1, MASTER_ADDR='127.0.0.1', MASTER_PORT=free_port()
    ).items():
        monkeypatch.setenv(key, str(value))
    yield
    torch.distributed.destroy_process_group()
