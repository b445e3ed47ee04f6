"""Running on one or several processes, over NCCL on GPUs or gloo on CPUs."""

import json
import os
import socket
from datetime import timedelta
from functools import cache
from typing import Any

import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.logging import print_log

from vitae_mm.errors import InputError

TIMEOUT = 600
"""Seconds that a process waits for the others in training, by default; the default of NCCL."""

REHEARSAL_TIMEOUT = 3600
"""Seconds that the other processes wait for what rank 0 does before training."""

MATMUL_PRECISIONS = ('highest', 'high', 'medium')


def adopt_ranks(launcher: str) -> None:
    """Sets the environment variables of torch.distributed from Slurm's if ``launcher`` is 'slurm'.

    Slurm's variables alone do not decide: other launchers may run within a Slurm job.

    Raises:
        InputError: If ``launcher`` is 'slurm', but this process is not a Slurm task.
    """
    if launcher != 'slurm':
        return
    for name, slurm in dict(
        RANK='SLURM_PROCID', WORLD_SIZE='SLURM_NTASKS', LOCAL_RANK='SLURM_LOCALID'
    ).items():
        if slurm not in os.environ:
            raise InputError(
                f'--launcher slurm: {slurm} is not set: start with tools/slurm_train.sh or '
                'tools/slurm_test.sh.'
            )
        os.environ[name] = os.environ[slurm]


def prepare_devices(cfg: Config, launcher: str) -> None:
    """Adapts this process and a config to the machine before a runner is built from it.

    On GPUs, matrix products of float32 use TF32 if ``cfg.float32_matmul_precision`` is 'high'. Of
    several processes, each waits ``cfg.env_cfg.dist_cfg.timeout`` seconds for the others, 600 by
    default. On CPUs, which mmengine's launcher does not support, the processes communicate over
    gloo, the model is wrapped for CPUs, and BN replaces SyncBN.

    Args:
        cfg: Changed in place.
        launcher: 'none', 'pytorch' or 'slurm'.

    Raises:
        InputError: If the machine has GPUs, but none for this process, or for an unknown precision.
    """
    gpus = torch.cuda.device_count()
    precision = cfg.get('float32_matmul_precision', 'highest')
    if precision not in MATMUL_PRECISIONS:
        raise InputError(
            f'float32_matmul_precision={precision!r}: choose from {MATMUL_PRECISIONS}.'
        )
    if gpus:
        torch.set_float32_matmul_precision(precision)
    cfg.launcher = launcher
    cfg.setdefault('env_cfg', {})
    if launcher == 'none':
        return
    options = {'backend': 'nccl', 'timeout': TIMEOUT, **(cfg.env_cfg.get('dist_cfg') or {})}
    options['timeout'] = timedelta(seconds=options['timeout'])
    for name in ('port', 'init_backend', 'init_method'):
        options.pop(name, None)  # the launchers set the address
    options.update(store=_meeting_point(), rank=process_rank(), world_size=process_count())
    options['store'].set_timeout(options['timeout'])
    if gpus:
        if local_rank() >= gpus:
            raise InputError(
                f'process {local_rank()} on this machine has no GPU, as only {gpus} are visible: '
                f'start at most {gpus} processes per machine.'
            )
        torch.cuda.set_device(local_rank())
        dist.init_process_group(**options)
        return
    dist.init_process_group(**{**options, 'backend': 'gloo'})
    cfg.model_wrapper_cfg = {
        'type': 'MMDistributedDataParallel',
        'broadcast_buffers': False,
        'find_unused_parameters': cfg.get('find_unused_parameters', False),
        **cfg.get('model_wrapper_cfg', {}),
        'device_ids': None,
    }
    replaced = replace_sync_bn(cfg.model)
    if dist.get_rank() == 0:
        text = f'No GPU found: running {dist.get_world_size()} CPU processes over gloo'
        if replaced:
            text += f'; BN replaces SyncBN, which requires GPUs, in {replaced} places'
        print_log(f'{text}.')


def from_rank_0(name: str, value: Any = None) -> Any:
    """Returns the value of rank 0 in all processes, which wait for it; before there is a process
    group, in which the rehearsal of rank 0 would wait for the others.

    Args:
        name: Name of the value, used once in a run.
        value: Anything that JSON can represent; of other ranks than 0, it is ignored.
    """
    if process_count() == 1:
        return value
    if process_rank() == 0:
        _meeting_point().set(name, json.dumps(value))
    return json.loads(_meeting_point().get(name))


def _meeting_point() -> dist.Store:
    return _join_store(os.environ['MASTER_ADDR'], os.environ['MASTER_PORT'])


@cache
def _join_store(address: str, port: str) -> dist.Store:
    """Returns the store of the launcher, whose address is in these environment variables."""
    return next(dist.rendezvous('env://', timeout=timedelta(seconds=REHEARSAL_TIMEOUT)))[0]


def process_rank() -> int:
    """Returns the rank of this process, also before a process group exists."""
    return int(os.environ.get('RANK', '0'))


def process_count() -> int:
    """Returns the number of processes, also before a process group exists."""
    return int(os.environ.get('WORLD_SIZE', '1'))


def local_rank() -> int:
    """Returns the rank of this process on its machine."""
    return int(os.environ.get('LOCAL_RANK', '0'))


def check_gpus(processes: int, gpus: int) -> None:
    """Raises InputError if there are fewer GPUs than processes."""
    if processes > gpus:
        raise InputError(
            f'{processes} processes requested, but this machine has {gpus} GPUs: request at most '
            f'{gpus}, or hide the GPUs (CUDA_VISIBLE_DEVICES=-1) to run on the CPU.'
        )


def check_port(port: int) -> None:
    """Raises InputError if the port is invalid or in use."""
    if port > 65535:
        raise InputError(f'PORT={port}: give a number from 1 to 65535.')
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(('', port))
        except OSError as error:
            raise InputError(
                f'PORT={port} cannot be used ({error.strerror}), another run may be using it: set '
                f'PORT to a free port, such as PORT={free_port()}.'
            ) from error


def free_port() -> int:
    """Returns a port that is not in use."""
    with socket.socket() as probe:
        probe.bind(('', 0))
        return probe.getsockname()[1]


def replace_sync_bn(node: object) -> int:
    """Replaces SyncBN, which needs several GPUs, with BN in a config and returns the number of
    replacements."""
    if isinstance(node, (list, tuple)):
        return sum(map(replace_sync_bn, node))
    if not isinstance(node, dict):
        return 0
    found = node.get('type') == 'SyncBN'
    if found:
        node['type'] = 'BN'
    return found + sum(map(replace_sync_bn, node.values()))
