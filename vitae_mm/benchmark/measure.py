"""Measuring time and peak memory of steps."""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

import psutil
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils import benchmark

from vitae_mm.compat import event_start
from vitae_mm.errors import InputError

from .cases import Case


def measure(cases: Sequence[Case], rounds: int, warm_up: int) -> dict[str, list[float]]:
    """Times one step of each case in every round on the current device.

    A case that runs out of memory is skipped from then on.

    Args:
        cases: Cases with different names.
        rounds: Number of timed rounds, 2 or more.
        warm_up: Number of untimed rounds before them.

    Returns:
        Seconds of each round by name, without the cases that ran out of memory.

    Raises:
        InputError: If two cases have the same name.
    """
    seconds: dict[str, list[float]] = {case.name: [] for case in cases}
    if len(seconds) < len(cases):
        raise InputError('two networks have the same name: give each network once.')
    for index in range(-warm_up, rounds):
        for case in [case for case in cases if case.name in seconds]:
            start = benchmark.timer()  # synchronizes with a GPU
            try:
                case.step()
                duration = benchmark.timer() - start
            except (MemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error):
                    raise
                del seconds[case.name]
            else:
                seconds[case.name] += [duration] if index >= 0 else []
    return seconds


def spread(seconds: Sequence[float]) -> float:
    """Returns the interquartile range as a fraction of the median."""
    first, median, last = statistics.quantiles(seconds, n=4)
    return (last - first) / median


def time_ratio(seconds: Sequence[float], others: Sequence[float]) -> float:
    """Returns the median over the rounds of one time divided by another, in which temporary
    slowdowns of the machine cancel out."""
    return statistics.median(a / b for a, b in zip(seconds, others, strict=True))


@contextmanager
def bounded_memory(device: torch.device) -> Iterator[None]:
    """Limits this process to the memory that is free now, also in a container.

    Without a limit, Linux grants any amount and kills the process when it uses it. This has no
    effect for GPUs, whose allocations fail anyway, and on other systems.
    """
    if device.type != 'cpu' or not psutil.LINUX:
        yield
        return
    process = psutil.Process()
    soft, hard = process.rlimit(psutil.RLIMIT_DATA)
    free = min(psutil.virtual_memory().available, _free_in_container())
    limit = process.memory_info().data + int(free)
    if soft == psutil.RLIM_INFINITY or limit < soft:
        process.rlimit(psutil.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_DATA, (soft, hard))


def peak_bytes(step: Callable[[], object], device: torch.device) -> int:
    """Returns the peak memory of a step in bytes, as counted by PyTorch's allocator, without the
    memory allocated before it, such as weights."""
    if device.type == 'cuda':
        held = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        step()
        return torch.cuda.max_memory_allocated(device) - held
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    events = profiler.profiler.kineto_results.events()
    changes = sorted((e for e in events if e.name() == '[memory]'), key=event_start)
    return max(accumulate((e.nbytes() for e in changes), initial=0))


def _is_out_of_memory(error: Exception) -> bool:
    known = isinstance(error, MemoryError | torch.cuda.OutOfMemoryError)
    return known or 'DefaultCPUAllocator' in str(error)  # torch has no class for it


def _free_in_container() -> float:
    """Returns the bytes left in a container (cgroup, version 2); infinity without a limit."""
    group = Path('/sys/fs/cgroup')
    limit = group / 'memory.max'
    if not limit.exists() or limit.read_text().strip() == 'max':
        return math.inf
    # excludes cached files, which can be dropped
    used = dict(line.split() for line in (group / 'memory.stat').read_text().splitlines())['anon']
    return int(limit.read_text()) - int(used)
