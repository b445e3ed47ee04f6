import socket

import pytest
from mmengine.config import Config

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
