"""What is timed, and what is counted."""

import resource
import sys

import pytest
import torch

from vitae_mm.benchmark import Case, Timing, bounded_memory, matmul_case, measure, peak_bytes
from vitae_mm.errors import InputError

CPU = torch.device('cpu')


def test_steps_alternate_after_the_warm_up():
    calls = []
    cases = [Case(name, lambda name=name: calls.append(name)) for name in 'ab']
    timings = measure(cases, rounds=3, warm_up=2, device=CPU)
    assert calls == ['a', 'b'] * 5
    assert {name: len(timing.seconds) for name, timing in timings.items()} == dict(a=3, b=3)


def test_names_are_told_apart():
    with pytest.raises(InputError, match='same name'):
        measure([Case('a', int), Case('a', int)], 2, 0, CPU)


@pytest.mark.parametrize('error', [torch.OutOfMemoryError, MemoryError])
def test_what_finds_too_little_memory_is_left_out(error):
    calls = []

    def step():
        calls.append(None)
        if len(calls) == 2:
            raise error

    timings = measure([Case('large', step), Case('small', int)], 4, 0, CPU)
    assert list(timings) == ['small'] and len(timings['small'].seconds) == 4 and len(calls) == 2


def test_other_errors_are_not_hidden():
    def step():
        torch.zeros(2) + torch.zeros(3)

    with pytest.raises(RuntimeError, match='must match the size'):
        measure([Case('a', step)], 2, 0, CPU)


@pytest.mark.skipif(sys.platform != 'linux', reason='bounds memory on Linux')
def test_memory_beyond_what_is_free_is_refused():
    """Many small pieces, none of which is too large by itself."""

    def step():
        [torch.empty(2**28) for _ in range(4096)]  # 4 TiB, not touched

    before = resource.getrlimit(resource.RLIMIT_DATA)
    with bounded_memory(CPU):
        assert list(measure([Case('large', step), Case('small', int)], 2, 0, CPU)) == ['small']
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_ratios_are_of_rounds():
    fast, slow = Timing((1.0, 1.0, 9.0, 1.0)), Timing((2.0, 2.0, 18.0, 3.0))
    assert slow.ratio_to(fast) == 2 and fast.median == 1
    assert Timing((4.0, 5.0, 6.0)).spread == pytest.approx(2 / 5)


def test_peak_memory_is_what_is_held_at_once():
    def step():
        first = torch.zeros(1_000_000)
        second = first + 1
        del first
        third = second + 1
        del second, third

    assert peak_bytes(step, CPU) == pytest.approx(8_000_000, rel=0.01)


def test_the_matmul_does_the_multiply_adds_it_says(monkeypatch):
    products = []
    monkeypatch.setattr(torch, 'mm', lambda a, b, out: products.append((*a.shape, b.shape[1])))
    case = matmul_case(CPU)
    case.step()
    ((rows, inner, columns),) = products
    assert case.macs == rows * inner * columns
