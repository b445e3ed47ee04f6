"""Measuring data-parallel training in several processes on this machine."""

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from .cases import Setting, build_case
from .measure import Measurement, bounded_memory, peak_bytes, time_ratio, time_step, use_device
from .networks import Source, load_network
from .workers import run_workers

TIMEOUT = 600.0
"""Seconds that a round may take; the first one may compile."""


def measure_parallel(
    source: Source,
    form: str,
    setting: Setting,
    *,
    device: torch.device,
    processes: int,
    rounds: int,
    warm_up: int,
) -> Measurement:
    """Times steps of a network with DDP in several processes, over NCCL on GPUs or gloo on CPUs.

    In every round, the first process alone takes a step too, without DDP and with the same number
    of threads.

    Args:
        source: The network.
        form: 'eager' or 'compiled'.
        setting: Setting with mode 'train' or 'step'.
        device: Type of device; each process uses the GPU with its rank.
        processes: Number of processes.
        rounds: Number of timed rounds, 2 or more.
        warm_up: Number of untimed rounds before them.

    Returns:
        The measurement of the first process, with ``efficiency``.

    Raises:
        WorkerError: If a process fails.
    """
    threads = max(1, torch.get_num_threads() // processes)
    with tempfile.TemporaryDirectory() as folder:
        *times, (peak, held, macs) = run_workers(
            _train,
            *(source, form, setting, device.type),
            *(processes, threads, warm_up + rounds, Path(folder, 'store').as_uri()),
            processes=processes,
            timeout=TIMEOUT,
        )
    alone, seconds = zip(*times[warm_up:], strict=True)
    efficiency = time_ratio(alone, seconds)
    return Measurement(seconds, peak, held, macs=macs, efficiency=efficiency)


def _train(
    rank: int,
    send: Callable[[object], None],
    source: Source,
    form: str,
    setting: Setting,
    kind: str,
    processes: int,
    threads: int,
    rounds: int,
    store: str,
) -> None:
    """Sends the seconds of a step alone and with all processes in each round, then memory and
    multiply-adds, from the first process."""
    torch.set_num_threads(threads)
    device = torch.device(kind, rank) if kind == 'cuda' else torch.device(kind)
    use_device(device)
    dist.init_process_group(
        'nccl' if kind == 'cuda' else 'gloo',
        init_method=store,
        rank=rank,
        world_size=processes,
        timeout=timedelta(seconds=TIMEOUT),
    )
    images = setting.draw_images(device)
    with bounded_memory(device, processes):
        alone, together = (
            build_case(load_network(source), images, form=form, setting=setting, parallel=parallel)
            for parallel in (False, True)
        )
        for _ in range(rounds):
            seconds = 0.0 if rank else time_step(alone)
            dist.barrier(device_ids=[rank] if kind == 'cuda' else None)
            times = seconds, time_step(together)
            if rank == 0:
                send(times)
        peak = peak_bytes(together.step, device)
        if rank == 0:
            send((peak, together.held_bytes(), together.macs))
    dist.destroy_process_group()
