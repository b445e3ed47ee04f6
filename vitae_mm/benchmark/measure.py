import math
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import torch
from torch.profiler import ProfilerActivity, profile

from vitae_mm.errors import InputError

from .cases import Case


@dataclass(frozen=True)
class Timing:
    """Seconds of a step in each round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.seconds)

    @property
    def spread(self) -> float:
        """Distance of the quartiles, as a share of the median."""
        first, _, last = quantiles(self.seconds, n=4)
        return (last - first) / self.median

    def ratio_to(self, other: 'Timing') -> float:
        """Median over the rounds of this one's time by the other's, so that
        what slows the machine down for a while cancels out."""
        return median(a / b for a, b in zip(self.seconds, other.seconds, strict=True))


def measure(
    cases: Sequence[Case], rounds: int, warm_up: int, device: torch.device
) -> dict[str, Timing]:
    """Times a step of each case in each round, one after another.

    A case whose step finds too little memory is left out of the rounds that follow.

    Args:
        cases: Of different names.
        rounds: How many steps of each are timed, 2 or more.
        warm_up: How many rounds come before, untimed.
        device: Where they run.

    Returns:
        By name; without those that found too little memory.

    Raises:
        InputError: If two have the same name.
    """
    seconds = {case.name: [] for case in cases}
    if len(seconds) < len(cases):
        raise InputError('two of the networks have the same name: give each once.')
    for index in range(-warm_up, rounds):
        for case in [case for case in cases if case.name in seconds]:
            _synchronize(device)
            start = time.perf_counter()
            try:
                case.step()
                _synchronize(device)
            except (MemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error):
                    raise
                del seconds[case.name]
            else:
                if index >= 0:
                    seconds[case.name].append(time.perf_counter() - start)
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


@contextmanager
def bounded_memory(device: torch.device) -> Iterator[None]:
    """Refuses to this process more memory than there is now, in its container
    too; else Linux would promise it, and end the process when it is used. For
    steps on a CPU; GPUs refuse by themselves."""
    if sys.platform != 'linux' or device.type != 'cpu':
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = _proc_bytes('self/status', 'VmData') + min(
        _proc_bytes('meminfo', 'MemAvailable'), _container_bytes()
    )
    if soft == resource.RLIM_INFINITY or most < soft:
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _proc_bytes(file: str, entry: str) -> int:
    lines = dict(line.split(':', 1) for line in Path('/proc', file).read_text().splitlines())
    return 1024 * int(lines[entry].split()[0])  # '  1234 kB'


def _container_bytes() -> float:
    """What a container (cgroup, version 2) leaves; infinite without a limit."""
    group = Path('/sys/fs/cgroup')
    limit = group / 'memory.max'
    if not limit.exists() or limit.read_text().strip() == 'max':
        return math.inf
    # without the files it keeps in memory, which it can drop
    used = dict(line.split() for line in (group / 'memory.stat').read_text().splitlines())['anon']
    return int(limit.read_text()) - int(used)


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or 'DefaultCPUAllocator' in str(
        error
    )  # for which torch has no class


def peak_bytes(step: Callable[[], None], device: torch.device) -> int:
    """Most memory that a step takes at once, beside what is held before it, as
    weights are.

    Args:
        step: What is measured.
        device: Where it runs.

    Returns:
        Bytes that PyTorch's allocator gave out.
    """
    if device.type == 'cuda':
        held = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        step()
        return torch.cuda.max_memory_allocated(device) - held
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    events = [
        event for event in profiler.profiler.kineto_results.events() if event.name() == '[memory]'
    ]
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


def _synchronize(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
