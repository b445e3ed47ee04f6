"""Timing of steps, and their peak memory."""

import resource
import sys
import weakref

import pytest
import torch

from vitae_mm.benchmark import measure as measure_module
from vitae_mm.benchmark.cases import Case, matmul_case
from vitae_mm.benchmark.measure import (
    Failures,
    bounded_memory,
    measure,
    peak_bytes,
    spread,
    time_ratio,
    use_device,
)
from vitae_mm.benchmark.reasons import lacks_memory
from vitae_mm.errors import InputError

CPU = torch.device('cpu')
NOTHING = Case('nothing', int)


def times(cases, rounds=2, warm_up=0, matmul=NOTHING):
    """Seconds of each case that could be measured, and the reasons of the others."""
    failures = Failures()
    measured = measure(cases, matmul, failures, device=CPU, rounds=rounds, warm_up=warm_up)
    return {name: one.seconds for name, one in measured.items()}, failures


def test_steps_alternate_after_the_warm_up(monkeypatch):
    monkeypatch.setattr(measure_module, 'peak_bytes', lambda *_: 0)
    calls = []
    matmul, *cases = [Case(name, lambda name=name: calls.append(name)) for name in 'mab']
    seconds, failures = times(cases, rounds=3, warm_up=2, matmul=matmul)
    assert calls == ['m', 'a', 'b'] * 5 and not failures
    assert {name: len(rounds) for name, rounds in seconds.items()} == dict(a=3, b=3)


@pytest.mark.parametrize('fails_at', [1, 3, 5], ids=['warm-up', 'round', 'memory'])
@pytest.mark.parametrize(
    'error, reason',
    [
        (torch.cuda.OutOfMemoryError('2 GiB'), 'insufficient memory (OutOfMemoryError: 2 GiB)'),
        (MemoryError(), 'insufficient memory (MemoryError)'),
        (RuntimeError('a\nb'), 'RuntimeError: a b'),
        (InputError('too small'), 'too small'),
    ],
)
def test_steps_that_fail_are_dropped(fails_at, error, reason):
    calls = []

    def step():
        calls.append(None)
        if len(calls) == fails_at:
            raise error

    seconds, failures = times([Case('wrong', step), Case('right', int)], rounds=3, warm_up=1)
    assert list(seconds) == ['right'] and len(seconds['right']) == 3 and len(calls) == fails_at
    assert failures == dict(wrong=reason)


def test_errors_of_the_matmul_are_raised():
    def step():
        raise MemoryError

    with pytest.raises(MemoryError):
        times([Case('a', int)], matmul=Case('matmul', step))


def test_the_roofline_relates_multiply_adds_to_the_matmul(monkeypatch):
    seconds = dict(matmul=1.0, a=4.0, b=1.0)
    monkeypatch.setattr(measure_module, 'time_step', lambda case: seconds[case.name])
    cases = [Case('a', int, macs=1000), Case('b', int)]
    matmul = Case('matmul', int, macs=500)
    measured = measure(cases, matmul, Failures(), device=CPU, rounds=2, warm_up=0)
    assert measured['a'].roofline == 0.5 and measured['b'].roofline is None


@pytest.mark.skipif(sys.platform != 'linux', reason='bounds memory on Linux')
def test_allocations_beyond_the_free_memory_fail():
    """Many small tensors, none of which is too large by itself."""

    def step():
        [torch.empty(2**28) for _ in range(4096)]  # 4 TiB, not touched

    before = resource.getrlimit(resource.RLIMIT_DATA)
    with bounded_memory(CPU):
        seconds, failures = times([Case('large', step), Case('small', int)])
    assert list(seconds) == ['small'] and lacks_memory(failures['large'])
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_ratios_are_taken_within_rounds():
    assert time_ratio([2.0, 2.0, 18.0, 3.0], [1.0, 1.0, 9.0, 1.0]) == 2


def test_the_spread_is_the_interquartile_range():
    assert spread([4.0, 5.0, 6.0]) == pytest.approx(2 / 5)


def test_peak_memory_counts_tensors_held_at_once():
    def step():
        first = torch.zeros(1_000_000)
        second = first + 1
        del first
        third = second + 1
        del second, third

    assert peak_bytes(step, CPU) == pytest.approx(8_000_000, rel=0.01)


def test_the_matmul_does_the_stated_multiply_adds(monkeypatch):
    products = []
    monkeypatch.setattr(torch, 'mm', lambda a, b, out: products.append((*a.shape, b.shape[1])))
    case = matmul_case(CPU)
    case.step()
    ((rows, inner, columns),) = products
    assert case.macs == rows * inner * columns


def test_peak_memory_on_a_gpu_excludes_what_is_held(monkeypatch):
    calls = []
    allocated = dict(memory_allocated=100, max_memory_allocated=150, reset_peak_memory_stats=None)
    for name, value in allocated.items():
        monkeypatch.setattr(
            torch.cuda, name, lambda device, name=name, value=value: calls.append(name) or value
        )
    assert peak_bytes(lambda: calls.append('step'), torch.device('cuda', 0)) == 50
    assert calls[-2:] == ['step', 'max_memory_allocated'] and 'reset_peak_memory_stats' in calls


def test_a_gpu_is_used_as_in_training(monkeypatch):
    used = []
    monkeypatch.setattr(torch.cuda, 'set_device', used.append)
    monkeypatch.setattr(torch.backends.cudnn, 'benchmark', False)
    use_device(CPU)
    assert not used and not torch.backends.cudnn.benchmark
    use_device(torch.device('cuda', 1))
    assert used == [torch.device('cuda', 1)] and torch.backends.cudnn.benchmark


def test_a_failure_frees_the_memory_of_its_frames():
    kept, free = [], []

    def step():
        tensor = torch.zeros(2)
        kept.append(weakref.ref(tensor))
        raise MemoryError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, 'empty_cache', lambda: free.append(kept[0]()))
        with Failures().catch('a'):
            step()
    assert free == [None]
