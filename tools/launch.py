#!/usr/bin/env python
"""Starts a script on several processes with torchrun.

    python tools/launch.py PROCESSES SCRIPT [ARGUMENTS ...]

It first checks that the port is free and that there are enough GPUs. On several nodes, run the same
command on each with NNODES, NODE_RANK, MASTER_ADDR and PORT set.
"""

import logging
import os
import signal
import sys

import torch
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main as torchrun

from vitae_mm.engine.cli import reports_input_errors
from vitae_mm.engine.distributed import check_gpus, check_port, free_port
from vitae_mm.errors import InputError

DEFAULT_PORT = '29500'


@reports_input_errors
def main() -> None:
    if len(sys.argv) < 3:
        raise InputError('usage: python tools/launch.py PROCESSES SCRIPT [ARGUMENTS ...]')
    processes, script = _integer('PROCESSES', sys.argv[1]), sys.argv[2:]
    nodes = _integer('NNODES', os.environ.get('NNODES', '1'))
    node_rank = _integer('NODE_RANK', os.environ.get('NODE_RANK', '0'), minimum=0)
    if node_rank >= nodes:
        raise InputError(f'NODE_RANK={node_rank}: for NNODES={nodes} give 0 to {nodes - 1}.')
    if nodes > 1 and 'MASTER_ADDR' not in os.environ:
        raise InputError(f'NNODES={nodes}: set MASTER_ADDR to the address of node 0 on all nodes.')
    gpus = torch.cuda.device_count()
    if gpus:
        check_gpus(processes, gpus)
    if 'OMP_NUM_THREADS' not in os.environ:
        cores = len(os.sched_getaffinity(0))
        os.environ['OMP_NUM_THREADS'] = '1' if gpus else str(max(cores // processes, 1))
    # otherwise mmengine sets it to 1, with a warning in every process
    os.environ.setdefault('MKL_NUM_THREADS', os.environ['OMP_NUM_THREADS'])
    # torchrun's report of a failure would hide the message of the process
    logging.getLogger('torch.distributed.elastic').setLevel(logging.CRITICAL)
    try:
        torchrun(
            [
                f'--nnodes={nodes}',
                f'--node_rank={node_rank}',
                f'--nproc_per_node={processes}',
                f'--master_addr={os.environ.get("MASTER_ADDR", "127.0.0.1")}',
                f'--master_port={_port(nodes, node_rank)}',
                *script,
            ]
        )
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        how = (
            f'with exit code {failure.exitcode}; its message is above'
            if failure.exitcode > 0
            else f'by signal {signal.Signals(-failure.exitcode).name}'
        )
        print(f'launch: process {rank} ended first, {how}.', file=sys.stderr)
        sys.exit(1)


def _port(nodes: int, node_rank: int) -> int:
    if 'PORT' not in os.environ and nodes == 1:
        return free_port()
    port = _integer('PORT', os.environ.get('PORT', DEFAULT_PORT))
    if node_rank == 0:
        check_port(port)
    return port


def _integer(name: str, text: str, minimum: int = 1) -> int:
    if not text.isdecimal() or int(text) < minimum:
        raise InputError(f'{name}={text!r}: give an integer, {minimum} or more.')
    return int(text)


if __name__ == '__main__':
    main()
