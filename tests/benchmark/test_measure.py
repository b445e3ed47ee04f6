"""Timing of steps, and their peak memory."""

import resource
import sys

import pytest
import torch

from vitae_mm.benchmark.cases import Case, matmul_case
from vitae_mm.benchmark.measure import bounded_memory, measure, peak_bytes, spread, time_ratio
from vitae_mm.errors import InputError

CPU = torch.device('cpu')


def test_steps_alternate_after_the_warm_up():
    calls = []
    cases = [Case(name, lambda name=name: calls.append(name)) for name in 'ab']
    times = measure(cases, rounds=3, warm_up=2)
    assert calls == ['a', 'b'] * 5
    assert {name: len(seconds) for name, seconds in times.items()} == dict(a=3, b=3)


def test_names_must_differ():
    with pytest.raises(InputError, match='same name'):
        measure([Case('a', int), Case('a', int)], 2, 0)


@pytest.mark.parametrize('error', [torch.cuda.OutOfMemoryError, MemoryError])
def test_steps_that_run_out_of_memory_are_dropped(error):
    calls = []

    def step():
        calls.append(None)
        if len(calls) == 2:
            raise error

    times = measure([Case('large', step), Case('small', int)], 4, 0)
    assert list(times) == ['small'] and len(times['small']) == 4 and len(calls) == 2


def test_other_errors_are_not_hidden():
    def step():
        torch.zeros(2) + torch.zeros(3)

    with pytest.raises(RuntimeError, match='must match the size'):
        measure([Case('a', step)], 2, 0)


@pytest.mark.skipif(sys.platform != 'linux', reason='bounds memory on Linux')
def test_allocations_beyond_the_free_memory_fail():
    """Many small tensors, none of which is too large by itself."""

    def step():
        [torch.empty(2**28) for _ in range(4096)]  # 4 TiB, not touched

    before = resource.getrlimit(resource.RLIMIT_DATA)
    with bounded_memory(CPU):
        assert list(measure([Case('large', step), Case('small', int)], 2, 0)) == ['small']
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
