"""Running a function in several processes, none of which can make the caller hang."""

import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from .reasons import WorkerError, explain

EXIT_SECONDS = 10
"""How long a process that has finished may take to exit."""


@dataclass(frozen=True)
class _Failure:
    """The reason why a process failed, and when."""

    reason: str
    seconds: float


_END = object()
"""Stands for the end of a process."""


def run_workers(
    target: Callable[..., None], *args: object, processes: int, timeout: float
) -> list[Any]:
    """Calls ``target(rank, send, *args)`` in new processes.

    Args:
        target: Function at the top level of a module; passes results to ``send``.
        *args: Its further arguments, which can be pickled.
        processes: Number of processes; ranks start at 0.
        timeout: Seconds without any message or exit after which all are killed.

    Returns:
        What was sent.

    Raises:
        WorkerError: If a process raises an exception, crashes, or does not answer. All are killed.
    """
    context = multiprocessing.get_context('spawn')
    workers: dict[Connection, tuple[int, Any]] = {}
    messages: list[Any] = []
    try:
        for rank in range(processes):
            receiver, sender = context.Pipe(duplex=False)
            worker = context.Process(target=_run, args=(target, rank, sender, args))
            worker.start()
            workers[receiver] = rank, worker
            sender.close()  # so that the end of the process closes the pipe
        running = list(workers)
        while running:
            answers = wait(running, timeout)
            ready = [pipe for pipe in running if pipe in answers]
            received = {pipe: _receive(pipe) for pipe in ready}
            for pipe in (pipe for pipe in ready if received[pipe] is _END):
                running.remove(pipe)
                workers[pipe][1].join(EXIT_SECONDS)
            # a process that lost another one fails later than that one
            for rank, worker in workers.values():
                if worker.exitcode:
                    raise WorkerError(f'process {rank} of {processes} {_describe(worker.exitcode)}')
            failures = [message for message in received.values() if isinstance(message, _Failure)]
            if failures:
                raise WorkerError(min(failures, key=lambda failure: failure.seconds).reason)
            if not ready:
                raise WorkerError(f'{processes} processes did not answer for {timeout:g} seconds')
            messages += [message for message in received.values() if message is not _END]
    finally:
        for _, worker in workers.values():
            worker.kill()
            worker.join()
    return messages


def _receive(pipe: Connection) -> Any:
    try:
        return pipe.recv()
    except EOFError:
        return _END


def _run(
    target: Callable[..., None], rank: int, sender: Connection, args: tuple[object, ...]
) -> None:
    try:
        target(rank, sender.send, *args)
    except Exception as error:
        sender.send(_Failure(explain(error), time.time()))


def _describe(exit_code: int) -> str:
    if exit_code >= 0:
        return f'exited with status {exit_code}'
    cause = ', perhaps for lack of memory' if exit_code == -signal.SIGKILL else ''
    return f'was ended by {signal.Signals(-exit_code).name}{cause}'
