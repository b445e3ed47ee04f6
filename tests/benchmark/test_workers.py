"""Processes that fail in every way end with a reason, and in a short time."""

import multiprocessing
import os
import signal
import time

import pytest

from vitae_mm.benchmark.reasons import WorkerError
from vitae_mm.benchmark.workers import run_workers


def send_rank(rank, send, factor):
    send(factor * rank)
    send(None)


def raise_after_another(rank, send):
    """Rank 0 fails as a consequence of rank 1, whose reason is wanted."""
    if rank == 0:
        time.sleep(0.5)
        raise RuntimeError('connection lost')
    raise MemoryError('no\nroom')


def lose_another(rank, send):
    if rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def exit_early(rank, send):
    os._exit(3)


def hang(rank, send):
    time.sleep(60)


def test_messages_are_returned():
    messages = run_workers(send_rank, 5, processes=2, timeout=60)
    assert sorted(messages, key=str) == [0, 5, None, None]


@pytest.mark.parametrize(
    'target, timeout, reason',
    [
        (raise_after_another, 60, r'^insufficient memory \(MemoryError: no room\)$'),
        (lose_another, 60, '^process 1 of 2 was ended by SIGKILL, perhaps for lack of memory$'),
        (exit_early, 60, 'exited with status 3'),
        (hang, 1, '^2 processes did not answer for 1 seconds$'),
    ],
)
def test_failures_are_explained(target, timeout, reason):
    start = time.monotonic()
    with pytest.raises(WorkerError, match=reason):
        run_workers(target, processes=2, timeout=timeout)
    assert not multiprocessing.active_children() and time.monotonic() - start < 30
