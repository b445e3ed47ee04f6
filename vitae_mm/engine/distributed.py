"""One process or many, on GPUs over NCCL or on CPUs over gloo."""

import os
import socket

import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.logging import print_log

from vitae_mm.errors import InputError


def adopt_ranks(launcher: str) -> None:
    """Sets torch.distributed's variables from Slurm's, if that launched this
    process; a process of its own within a Slurm job has those as well.

    Raises:
        InputError: If this is no task of Slurm.
    """
    if launcher != 'slurm':
        return
    for name, slurm in dict(
        RANK='SLURM_PROCID', WORLD_SIZE='SLURM_NTASKS', LOCAL_RANK='SLURM_LOCALID'
    ).items():
        if slurm not in os.environ:
            raise InputError(
                f'--launcher slurm: {slurm} is not set here: start with '
                'tools/slurm_train.sh or tools/slurm_test.sh.'
            )
        os.environ[name] = os.environ[slurm]


def prepare_devices(cfg: Config, launcher: str) -> None:
    """Fits the config to the machine before a runner is built from it.

    With GPUs nothing changes. Without, the processes are joined over gloo and
    the model is wrapped for the CPU, which mmengine's launcher does not do.

    Args:
        cfg: Changed in place.
        launcher: 'none', 'pytorch' or 'slurm'.

    Raises:
        InputError: If there are GPUs, but none for this process.
    """
    cfg.launcher = launcher
    if launcher == 'none':
        return
    gpus = torch.cuda.device_count()
    if gpus:
        if local_rank() >= gpus:
            raise InputError(
                f'process {local_rank()} on this machine has no GPU of its own, '
                f'{gpus} are seen: start at most {gpus} processes a machine.'
            )
        return
    dist.init_process_group('gloo')
    cfg.model_wrapper_cfg = {
        'type': 'MMDistributedDataParallel',
        'broadcast_buffers': False,
        'find_unused_parameters': cfg.get('find_unused_parameters', False),
        **cfg.get('model_wrapper_cfg', {}),
        'device_ids': None,
    }
    replaced = _replace_sync_bn(cfg.model)
    if dist.get_rank() == 0:
        print_log(
            f'No GPU found: running {dist.get_world_size()} CPU processes over gloo'
            + (f'; SyncBN, which needs GPUs, is BN in {replaced} places.' if replaced else '.')
        )


def process_rank() -> int:
    """Number of this process among all, before any group is formed."""
    return int(os.environ.get('RANK', 0))


def process_count() -> int:
    """How many processes there are, before any group is formed."""
    return int(os.environ.get('WORLD_SIZE', 1))


def local_rank() -> int:
    """Number of this process among those of its machine."""
    return int(os.environ.get('LOCAL_RANK', 0))


def check_gpus(processes: int, gpus: int) -> None:
    """Raises InputError if a machine has fewer GPUs than processes."""
    if processes > gpus:
        raise InputError(
            f'{processes} processes asked for, but this machine has {gpus} GPUs: '
            f'ask for at most {gpus}, or hide the GPUs (CUDA_VISIBLE_DEVICES=-1) to '
            'run on the CPU.'
        )


def check_port(port: int) -> None:
    """Raises InputError if the port is none, or another program has it."""
    if port > 65535:
        raise InputError(f'PORT={port}: give a number up to 65535.')
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(('', port))
        except OSError as error:
            raise InputError(
                f'PORT={port} cannot be used ({error.strerror}): another run may '
                'have it. Set PORT to a free one, for example '
                f'PORT={free_port()}.'
            ) from error


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(('', 0))
        return probe.getsockname()[1]


def _replace_sync_bn(node: object) -> int:
    """Makes BN of every SyncBN in a config; returns how many there were."""
    if isinstance(node, (list, tuple)):
        return sum(map(_replace_sync_bn, node))
    if not isinstance(node, dict):
        return 0
    found = node.get('type') == 'SyncBN'
    if found:
        node['type'] = 'BN'
    return found + sum(map(_replace_sync_bn, node.values()))
