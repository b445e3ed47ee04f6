import socket

import pytest
from mmengine.config import Config

from vitae_mm.engine.distributed import check_gpus, check_port, free_port, prepare_devices
from vitae_mm.errors import InputError


def test_a_busy_port_is_named_with_a_free_one():
    with socket.socket() as busy:
        busy.bind(('', 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(InputError, match=rf'PORT={port} .*PORT=\d+'):
            check_port(port)
    check_port(free_port())


def test_more_processes_than_gpus():
    check_gpus(2, 2)
    with pytest.raises(InputError, match='8 processes.* 2 GPUs'):
        check_gpus(8, 2)


def test_one_process_needs_no_group():
    cfg = Config(dict(model=dict(norm_cfg=dict(type='SyncBN'))))
    prepare_devices(cfg, 'none')
    assert cfg.launcher == 'none' and 'model_wrapper_cfg' not in cfg
