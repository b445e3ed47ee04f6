"""The runs of an experiment: what was asked for, what is done, and doing the rest."""

import fcntl
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TextIO

from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically

from .experiments import Row, Stage

METRIC = 'accuracy/top1'
TAIL = 10000
"""Bytes at the end of a log, in which the last progress stands."""
PROGRESS = re.compile(r'Epoch\(train\)\s+\[(\d+)\]\[\s*(\d+)/(\d+)\].* eta: (.+?)  ')

Execute = Callable[[Sequence[str], Path], None]
"""Runs a command, and appends what it prints to a log."""


@dataclass(frozen=True)
class Run:
    """A row with one seed: its stages are trained, the last is tested.

    Attributes:
        row: What is trained.
        seed: Of weights, order and augmentation.
        folder: Holds its work dirs, its log and its result.
    """

    row: Row
    seed: int
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / 'log.txt'

    @property
    def result(self) -> Path:
        """Written when it is tested."""
        return self.folder / 'result.json'

    def accuracy(self) -> float | None:
        """Tested top-1 in percent; None if it is not done."""
        return json.loads(self.result.read_text())[METRIC] if self.result.exists() else None

    def work_dir(self, stage: Stage) -> Path:
        return self.folder / Path(stage.config).stem

    def carry_out(self, execute: Execute) -> None:
        """Does what is left of it: a training goes on from its last
        checkpoint, one that is done is not repeated."""
        checkpoint = None
        for stage in self.row.stages:
            work_dir = self.work_dir(stage)
            done = work_dir / 'trained'
            if not done.exists():
                execute(train_command(self, stage, checkpoint), self.log)
                write_atomically(done, Path.touch)
            mark = work_dir / 'last_checkpoint'
            # the path in it is old if the folder was moved
            checkpoint = str(mark.with_name(Path(mark.read_text().strip()).name))
        execute(test_command(self, checkpoint), self.log)
        tested = read_metrics(self.folder / 'test')
        write_atomically(self.result, lambda path: path.write_text(json.dumps(tested)))


def plan_runs(rows: Sequence[Row], seeds: Sequence[int], folder: Path) -> list[Run]:
    """Every row with the first seed, then with the second."""
    return [Run(row, seed, folder / f'{row.name}_seed{seed}') for seed in seeds for row in rows]


def train_command(run: Run, stage: Stage, checkpoint: str | None) -> list[str]:
    """Trains a stage from the weights of the one before, if there is any."""
    options = [
        f'randomness.seed={run.seed}',
        'default_hooks.checkpoint.max_keep_ckpts=1',
        *stage.options,
    ]
    if checkpoint:
        options.append(f'model.backbone.init_cfg.checkpoint={checkpoint}')
    return [
        sys.executable,
        'tools/train.py',
        stage.config,
        '--work-dir',
        str(run.work_dir(stage)),
        '--resume',
        '--cfg-options',
        *options,
    ]


def test_command(run: Run, checkpoint: str) -> list[str]:
    stage = run.row.stages[-1]
    options = ['--cfg-options', *stage.options] if stage.options else []
    return [
        sys.executable,
        'tools/test.py',
        stage.config,
        checkpoint,
        '--work-dir',
        str(run.folder / 'test'),
        *options,
    ]


def read_metrics(work_dir: Path) -> dict[str, float]:
    """What the last test in a work dir measured."""
    files = [path for path in sorted(work_dir.glob('*/*.json')) if path.stem == path.parent.name]
    return json.loads(files[-1].read_text())


def check_request(folder: Path, request: dict) -> None:
    """Keeps what is asked for in a folder, and refuses anything else there.

    Args:
        folder: Of the reproduction.
        request: Experiment, preset, seeds and rows, as JSON has them.

    Raises:
        InputError: If something else was asked for in this folder.
    """
    file = folder / 'request.json'
    if not file.exists():
        write_atomically(file, lambda path: path.write_text(json.dumps(request, indent=1)))
        return
    kept = json.loads(file.read_text())
    differing = [key for key in request if request[key] != kept.get(key)]
    if not differing:
        return
    anew = f'to start anew, choose another --work-dir or delete {folder}.'
    if differing == ['rows']:
        raise InputError(
            f'{folder} was begun with other configs of the same experiment, which '
            f'has changed since: {anew}'
        )
    asked = ', '.join(
        f'{key} {_words(kept[key])} and not {_words(request[key])}'
        for key in differing
        if key != 'rows'
    )
    raise InputError(
        f'{folder} was begun with {asked}. To go on, give {kept["experiment"]} '
        f'--preset {kept["preset"]} --seeds {_words(kept["seeds"])}; {anew}'
    )


def _words(value: str | Sequence[int]) -> str:
    return value if isinstance(value, str) else ' '.join(map(str, value))


class Workers:
    """Carries out runs, some at a time, each in processes of its own.

    Args:
        jobs: How many at a time.
        lock: An open file that is locked as long as one of the processes
            lives.
    """

    def __init__(self, jobs: int, lock: TextIO):
        self.jobs = jobs
        self.lock = lock
        self.busy: set[Run] = set()
        self._processes: set[subprocess.Popen] = set()
        self._stopped = False
        self._guard = Lock()

    def carry_out(self, runs: Sequence[Run], report: Callable[[Run], None]) -> None:
        """Does what is left of each.

        Args:
            runs: Those that have no result yet.
            report: Called with each when it is done.

        Raises:
            InputError: If one fails; the others are stopped.
        """
        failures = []  # the others fail too when they are stopped: the first counts

        def work(run: Run) -> None:
            if self._stopped:
                return
            self.busy.add(run)
            try:
                run.carry_out(self._execute)
                report(run)
            except Exception as failure:
                failures.append(failure)
                self._stop()  # before this thread begins another run
                raise
            finally:
                self.busy.remove(run)

        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                wait([pool.submit(work, run) for run in runs], return_when=FIRST_EXCEPTION)
            finally:
                self._stop()
        if failures:
            raise failures[0]

    def _execute(self, command: Sequence[str], log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        threads = str(max(1, os.cpu_count() // self.jobs))
        with log.open('a') as output:
            print(f'$ {shlex.join(command)}', file=output, flush=True)
            with self._guard:
                if self._stopped:
                    raise InputError('stopped.')
                # of a group of its own, to be ended with all that it started
                process = subprocess.Popen(
                    command,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=[self.lock.fileno()],
                    env={'OMP_NUM_THREADS': threads, **os.environ},
                )
                self._processes.add(process)
            code = process.wait()
            with self._guard:
                self._processes.discard(process)
        if code:
            raise InputError(
                f'{command[1]} failed (exit status {code}): {last_words(log)} See '
                f'{log}; the same command goes on from here.'
            )

    def _stop(self) -> None:
        with self._guard:
            self._stopped = True
            for process in self._processes:
                with suppress(ProcessLookupError):  # it has just ended
                    os.killpg(process.pid, signal.SIGTERM)


@contextmanager
def locked(folder: Path) -> Iterator[TextIO]:
    """Keeps a second reproduction out of a folder.

    Raises:
        InputError: If there is one already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / 'lock').open('w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f'{folder}: a reproduction in it is going on, or a training that one '
                'left behind: wait for it, or end it.'
            ) from None
        yield lock


def last_words(log: Path) -> str:
    """The error of the last command in a log, or else its last line."""
    lines = [line for line in read_tail(log).rpartition('\n$ ')[2].splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith('error')]
    return (errors or lines)[-1]


def read_progress(log: Path) -> tuple[float, str] | None:
    """Epochs done in the training that a log is about, and the time left; None
    before there are any."""
    found = PROGRESS.findall(read_tail(log).rpartition('\n$ ')[2])
    if not found:
        return None
    epoch, step, steps, left = found[-1]
    return int(epoch) - 1 + int(step) / int(steps), left


def read_tail(log: Path) -> str:
    if not log.exists():
        return ''
    with log.open('rb') as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        return file.read().decode(errors='replace')
