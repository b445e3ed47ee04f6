import socket
from datetime import timedelta

import pytest
import torch
from mmengine.config import Config

from vitae_mm.engine import distributed
from vitae_mm.engine.distributed import (
    adopt_ranks,
    check_gpus,
    check_port,
    free_port,
    local_rank,
    prepare_devices,
    process_count,
    process_rank,
)
from vitae_mm.errors import InputError


def test_a_busy_port_is_reported_with_a_free_one():
    with socket.socket() as busy:
        busy.bind(('', 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(InputError, match=rf'PORT={port} .*PORT=\d+'):
            check_port(port)
    check_port(free_port())


def test_more_processes_than_gpus_are_rejected():
    check_gpus(2, 2)
    with pytest.raises(InputError, match='8 processes.* 2 GPUs'):
        check_gpus(8, 2)


def test_one_process_needs_no_process_group():
    cfg = Config(dict(model=dict(norm_cfg=dict(type='SyncBN'))))
    prepare_devices(cfg, 'none')
    assert cfg.launcher == 'none' and 'model_wrapper_cfg' not in cfg


def test_float32_products_have_the_precision_of_the_config(monkeypatch):
    chosen = []
    monkeypatch.setattr(torch, 'set_float32_matmul_precision', chosen.append)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    for entries in ({}, dict(float32_matmul_precision='high')):
        prepare_devices(Config(entries), 'none')
    assert chosen == ['highest', 'high']
    with pytest.raises(InputError, match="float32_matmul_precision='tf32': choose from"):
        prepare_devices(Config(dict(float32_matmul_precision='tf32')), 'none')


def test_processes_on_gpus_connect_as_the_config_says(monkeypatch):
    calls = []
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(torch.cuda, 'set_device', calls.append)
    monkeypatch.setattr(torch.distributed, 'init_process_group', lambda **kw: calls.append(kw))
    monkeypatch.setattr(torch, 'set_float32_matmul_precision', lambda precision: None)
    store = torch.distributed.HashStore()
    monkeypatch.setattr(distributed, '_meeting_point', lambda: store)
    monkeypatch.setenv('LOCAL_RANK', '1')
    prepare_devices(Config({}), 'pytorch')
    dist_cfg = dict(backend='gloo', timeout=30)
    prepare_devices(Config(dict(env_cfg=dict(dist_cfg=dist_cfg))), 'pytorch')
    assert calls == [
        1,
        dict(backend='nccl', timeout=timedelta(minutes=10), store=store, rank=0, world_size=1),
        1,
        dict(backend='gloo', timeout=timedelta(seconds=30), store=store, rank=0, world_size=1),
    ]
    monkeypatch.setenv('LOCAL_RANK', '2')
    with pytest.raises(InputError, match='process 2 on this machine has no GPU, as only 2 are vis'):
        prepare_devices(Config({}), 'pytorch')


@pytest.fixture
def slurm(monkeypatch):
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'):
        # so that monkeypatch restores what the test sets
        monkeypatch.setenv(name, '0')
        monkeypatch.delenv(name)
    for name, value in dict(PROCID=5, NTASKS=8, LOCALID=1).items():
        monkeypatch.setenv(f'SLURM_{name}', str(value))


def test_slurm_tasks_adopt_its_ranks(slurm):
    adopt_ranks('slurm')
    assert (process_rank(), process_count(), local_rank()) == (5, 8, 1)


def test_other_processes_in_a_slurm_job_ignore_its_ranks(slurm):
    adopt_ranks('none')
    assert (process_rank(), process_count(), local_rank()) == (0, 1, 0)


def test_the_slurm_launcher_needs_slurm(monkeypatch):
    monkeypatch.delenv('SLURM_PROCID', raising=False)
    with pytest.raises(InputError, match='SLURM_PROCID is not set: start'):
        adopt_ranks('slurm')
