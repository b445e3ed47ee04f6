"""Measuring time and peak memory of steps."""

import gc
import math
import statistics
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import psutil
import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils import benchmark

from vitae_mm.compat import event_start

from .cases import Case
from .reasons import explain


@dataclass(frozen=True)
class Measurement:
    """What was measured of a case.

    Attributes:
        seconds: Seconds of each timed step.
        peak_bytes: Peak memory of a step; see :func:`peak_bytes`.
        held_bytes: Memory of weights and optimizer states.
        macs: Multiply-adds of a step; None if they cannot be counted.
        roofline: Time that its multiply-adds would take at the rate of the matrix product, as a
            fraction of the step's time; None if either is unknown.
        efficiency: Time of a step of one process alone, as a fraction of the time with all
            processes; None for one process.
    """

    seconds: Sequence[float]
    peak_bytes: int
    held_bytes: int
    macs: int | None
    roofline: float | None = None
    efficiency: float | None = None


class Failures(dict[str, str]):
    """Why cases cannot be measured, by their names."""

    @contextmanager
    def catch(self, name: str) -> Iterator[None]:
        """Records an exception as the reason of a case."""
        try:
            yield
        except Exception as error:
            self[name] = explain(error)
            # the caller still holds the exception, and its frames the tensors that filled a GPU
            traceback.clear_frames(error.__traceback__)
            free_memory()


def use_device(device: torch.device) -> None:
    """Makes a GPU the current device, where cuDNN searches its fastest convolutions."""
    if device.type == 'cuda':
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True


def free_memory() -> None:
    """Frees the memory of objects that are no longer used, also on a GPU."""
    gc.collect()
    torch.cuda.empty_cache()


def measure(
    cases: Sequence[Case],
    matmul: Case,
    failures: Failures,
    *,
    device: torch.device,
    rounds: int,
    warm_up: int,
) -> dict[str, Measurement]:
    """Times one step of each case in every round on the current device, then measures its memory.

    Args:
        cases: Cases with different names.
        matmul: The matrix product, which is timed in the same rounds. Its errors are raised.
        failures: Receives the cases that fail; these are skipped from then on.
        device: The current device.
        rounds: Number of timed rounds, 2 or more.
        warm_up: Number of untimed rounds before them.

    Returns:
        Measurements by name, without the cases that failed.
    """
    seconds: dict[str, list[float]] = {case.name: [] for case in (matmul, *cases)}
    for index in range(-warm_up, rounds):
        for case in (matmul, *cases):
            if case.name not in failures:
                with nullcontext() if case is matmul else failures.catch(case.name):
                    duration = time_step(case)
                    seconds[case.name] += [duration] if index >= 0 else []
    measurements = {}
    for case in cases:
        if case.name not in failures:
            with failures.catch(case.name):
                peak, held = peak_bytes(case.step, device), case.held_bytes()
                roofline = None
                if case.macs is not None and matmul.macs is not None:
                    ratio = time_ratio(seconds[matmul.name], seconds[case.name])
                    roofline = case.macs / matmul.macs * ratio
                measurements[case.name] = Measurement(
                    seconds[case.name], peak, held, macs=case.macs, roofline=roofline
                )
    return measurements


def time_step(case: Case) -> float:
    """Returns the seconds that a step takes on the current device."""
    start = benchmark.timer()  # synchronizes with a GPU
    case.step()
    return benchmark.timer() - start


def spread(seconds: Sequence[float]) -> float:
    """Returns the interquartile range as a fraction of the median."""
    first, median, last = statistics.quantiles(seconds, n=4)
    return (last - first) / median


def time_ratio(seconds: Sequence[float], others: Sequence[float]) -> float:
    """Returns the median over the rounds of one time divided by another, in which temporary
    slowdowns of the machine cancel out."""
    return statistics.median(a / b for a, b in zip(seconds, others, strict=True))


@contextmanager
def bounded_memory(device: torch.device, processes: int = 1) -> Iterator[None]:
    """Limits this process to the memory that is free now, also in a container.

    Without a limit, Linux grants any amount and kills the process when it uses it. This has no
    effect for GPUs, whose allocations fail anyway, and on other systems.

    Args:
        device: Device that the memory is used for.
        processes: Number of processes that share the free memory. Defaults to 1.
    """
    if device.type != 'cpu' or not psutil.LINUX:
        yield
        return
    process = psutil.Process()
    soft, hard = process.rlimit(psutil.RLIMIT_DATA)
    free = min(psutil.virtual_memory().available, _free_in_container()) / processes
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


def _free_in_container() -> float:
    """Returns the bytes left in a container (cgroup, version 2); infinity without a limit."""
    group = Path('/sys/fs/cgroup')
    limit = group / 'memory.max'
    if not limit.exists() or limit.read_text().strip() == 'max':
        return math.inf
    # excludes cached files, which can be dropped
    used = dict(line.split() for line in (group / 'memory.stat').read_text().splitlines())['anon']
    return int(limit.read_text()) - int(used)
