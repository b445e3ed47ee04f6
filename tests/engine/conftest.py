import pytest
import torch

from vitae_mm.engine.distributed import free_port

from ..helpers import training


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
