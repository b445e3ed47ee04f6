"""The runs of an experiment: their state on disk, and running the unfinished ones."""

import fcntl
import hashlib
import json
import os
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from vitae_mm.engine.resume import last_checkpoint
from vitae_mm.errors import DivergedError, InputError
from vitae_mm.io import write_atomically, write_text

from .experiment import Metric, Row, Search, Training

Execute = Callable[[Sequence[str], Path], None]
"""Runs a command and appends its output to a log; raises InputError if it fails, and DivergedError
if it is a training that diverges."""

MAX_DIFFERENCES = 5
"""Number of differences between two requests that the error message names."""


@dataclass(frozen=True)
class Run:
    """A row with one seed.

    Attributes:
        row: What is trained and tested.
        seed: Seed of weights, order and augmentation.
        folder: Folder of the work dirs, the log and the result.
    """

    row: Row
    seed: int
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / 'log.txt'

    @property
    def result(self) -> Path:
        """File with the metrics of the test, or why there are none; the last that a run writes."""
        return self.folder / 'result.json'

    def metrics(self) -> dict[str, float] | None:
        """Returns the metrics of the test, which are empty if the training diverged; None before
        the run is finished."""
        if not self.result.exists():
            return None
        found = json.loads(self.result.read_text())
        return {} if 'diverged' in found else found

    def work_dir(self, training: Training) -> Path:
        return self.folder / Path(training.config).stem

    def finished_trainings(self) -> int:
        return sum((self.work_dir(t) / 'trained').exists() for t in self.row.trainings)

    def carry_out(self, execute: Execute) -> None:
        """Runs the remaining commands: resumes an interrupted training, skips finished ones.

        The result of a training that diverges says so."""
        try:
            result = self._train_and_test(execute)
        except DivergedError as error:
            result = dict(diverged=str(error))
        write_text(self.result, json.dumps(result))

    def _train_and_test(self, execute: Execute) -> dict:
        checkpoint = ''
        for training in self.row.trainings:
            work_dir = self.work_dir(training)
            trained = work_dir / 'trained'
            if not trained.exists():
                execute(train_command(self, training, checkpoint), self.log)
                write_atomically(trained, Path.touch)
            checkpoint = str(last_checkpoint(work_dir))
        execute(test_command(self, checkpoint), self.log)
        return read_metrics(self.folder / 'test')


def plan_runs(rows: Sequence[Row], seeds: Sequence[int], folder: Path) -> list[Run]:
    """Returns every row with the first seed, then every row with the second, and so on; of rows
    that form series, first all with the largest ``x``."""
    return [
        Run(row, seed, folder / f'{row.name}_seed{seed}')
        for x in sorted({row.x for row in rows}, reverse=True)
        for seed in seeds
        for row in rows
        if row.x == x
    ]


def plan_searches(rows: Sequence[Row], folder: Path) -> dict[Search, dict[float, Run]]:
    """Returns a run with seed 0 for each learning rate of each search of the rows."""
    return {
        search: {
            rate: Run(row, 0, folder / 'search' / row.name) for rate, row in search.rows().items()
        }
        for search in _searches(rows)
    }


def _searches(rows: Sequence[Row]) -> list[Search]:
    """Returns the searches of the rows, each once."""
    return list(dict.fromkeys(row.search for row in rows if row.search))


def with_best_rates(
    rows: Sequence[Row], searches: Mapping[Search, Mapping[float, Run]], metric: Metric
) -> tuple[Row, ...]:
    """Returns the rows with the learning rates whose runs, which are finished, have the best
    scores: the first of equal ones, and the lowest if all diverged."""
    best = {}
    for search, runs in searches.items():
        scores = {rate: metric.read(run.metrics() or {}) for rate, run in runs.items()}
        found = {rate: score for rate, score in scores.items() if score is not None}
        best[search] = max(found, key=found.__getitem__) if found else min(runs)
    return tuple(row.with_rate(best[row.search]) if row.search else row for row in rows)


def train_command(run: Run, training: Training, checkpoint: str = '') -> list[str]:
    """Returns the command that trains, from the weights of ``checkpoint`` if given."""
    return [
        sys.executable,
        'tools/train.py',
        training.config,
        '--work-dir',
        str(run.work_dir(training)),
        '--resume',
        '--cfg-options',
        f'randomness.seed={run.seed}',
        'default_hooks.checkpoint.max_keep_ckpts=1',
        *(training.start_from(checkpoint) if checkpoint else training).options,
    ]


def test_command(run: Run, checkpoint: str) -> list[str]:
    """Returns the command that tests the last training of a run."""
    training = run.row.trainings[-1]
    return [
        sys.executable,
        'tools/test.py',
        training.config,
        checkpoint,
        '--work-dir',
        str(run.folder / 'test'),
        *(['--cfg-options', *training.options] if training.options else ()),
    ]


def read_metrics(work_dir: Path) -> dict[str, float]:
    """Reads the metrics of the last test in a work dir."""
    # named after the time of the test, like their folders
    *_, newest = sorted(work_dir.glob('[0-9]*/[0-9]*.json'))
    return json.loads(newest.read_text())


def read_curve(run: Run, metric: Metric) -> list[tuple[float, float]]:
    """Reads the scores of the validations of the last training of a run.

    Returns:
        Shares of the training in percent, and the scores there.
    """
    training = run.row.trainings[-1]
    scores = {
        100 * line['step'] / training.epochs(): metric.factor * line[metric.key]
        for line in read_scalars(run.work_dir(training))
        if metric.key in line
    }
    return sorted(scores.items())


def read_scalars(work_dir: Path, last_attempt: bool = False) -> list[dict]:
    """Returns all lines that mmengine logged in a work dir, or those of the last attempt, from the
    oldest."""
    files = sorted(work_dir.glob('*/vis_data/scalars.json'))
    chosen = files[-1:] if last_attempt else files
    lines = [line for file in chosen for line in file.read_text().splitlines()]
    # the last line of a killed run may be cut off
    return [json.loads(line) for line in lines if line.endswith('}')]


def read_progress(work_dir: Path) -> tuple[float, float | None]:
    """Reads the progress of the last training in a work dir from mmengine's scalars.

    Returns:
        Finished epochs, and seconds per epoch. During its first epoch, an attempt does not tell
        the length of an epoch: epochs are then whole, and the time is None.
    """
    lines = read_scalars(work_dir, last_attempt=True)
    steps = [line for line in lines if 'epoch' in line and 'iter' in line]
    if not steps:
        return 0.0, None
    first, last = steps[0], steps[-1]
    if first['epoch'] == last['epoch']:
        return float(last['epoch'] - 1), None
    # the first line of each epoch is written after the same number of steps
    newest = next(line for line in steps if line['epoch'] == last['epoch'])
    length = (newest['iter'] - first['iter']) / (last['epoch'] - first['epoch'])
    return last['iter'] / length, last['time'] * length


def plan_request(name: str, preset: str, rows: Sequence[Row], seeds: Sequence[int]) -> dict:
    """Returns what determines the results of a reproduction, as JSON represents it: experiment,
    preset, seeds, all configs, and the hashes of checkpoints that trainings start from."""
    starts = {str(start): start for row in rows if (start := row.trainings[0].start)}
    request = dict(
        experiment=name,
        preset=preset,
        seeds=seeds,
        x=list(dict.fromkeys(row.x for row in rows)),
        search={
            search.name: dict(rates=search.rates, config=search.training.load().to_dict())
            for search in _searches(rows)
        },
        rows={row.label: [training.load().to_dict() for training in row.trainings] for row in rows},
    )
    if starts:
        request['starts'] = {
            name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in starts.items()
        }
    return json.loads(json.dumps(request))  # tuples become lists


def check_request(folder: Path, request: dict) -> None:
    """Records a request in its folder.

    Args:
        folder: Folder of the reproduction.
        request: From :func:`plan_request`.

    Raises:
        InputError: If the folder records another request; names what differs.
    """
    file = folder / 'request.json'
    if not file.exists():
        write_text(file, json.dumps(request, indent=1))
        return
    changes = list(differences(json.loads(file.read_text()), request))
    if not changes:
        return
    more = f' and {len(changes) - MAX_DIFFERENCES} more' if len(changes) > MAX_DIFFERENCES else ''
    raise InputError(
        f'{folder} was started with other settings: {"; ".join(changes[:MAX_DIFFERENCES])}{more}. '
        f'To continue it, restore them; to start over, choose another folder or delete {folder}.'
    )


def differences(recorded: Any, asked: Any, place: str = '') -> Iterator[str]:
    """Yields where two JSON values differ."""
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for key in {**recorded, **asked}:
            inner = f'{place}.{key}' if place else key
            if key not in asked:
                yield f'{inner} is missing now'
            elif key not in recorded:
                yield f'{inner} is new'
            else:
                yield from differences(recorded[key], asked[key], inner)
    elif _has_parts(recorded) and _has_parts(asked) and len(recorded) == len(asked):
        for i, pair in enumerate(zip(recorded, asked, strict=True)):
            yield from differences(*pair, f'{place}[{i}]')
    elif recorded != asked:
        yield f'{place} was {_shorten(recorded)}, is {_shorten(asked)}'


def _has_parts(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(part, (dict, list)) for part in value)


def _shorten(value: Any) -> str:
    return textwrap.shorten(json.dumps(value), 80, placeholder=' ...')


class Workers:
    """Carries out runs, several at a time, with their commands in processes.

    Args:
        jobs: Number of runs at a time.
        lock: An open, locked file. The processes inherit it, so that it stays locked
            as long as one of them lives.

    Attributes:
        futures: State of each run.
    """

    def __init__(self, jobs: int, lock: TextIO):
        self.jobs = jobs
        self.lock = lock
        self.futures: dict[Run, Future[None]] = {}
        self._processes: list[subprocess.Popen] = []
        self._failure: Exception | None = None

    def carry_out(self, runs: Sequence[Run], report: Callable[[Run], None]) -> None:
        """Carries out runs that have no result yet.

        Args:
            runs: Started in this order.
            report: Called with each finished run.

        Raises:
            InputError: If a command fails other than by diverging; the others are terminated.
        """
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                self.futures = {run: pool.submit(run.carry_out, self._execute) for run in runs}
                finished = {future: run for run, future in self.futures.items()}
                for future in as_completed(finished):
                    future.result()
                    report(finished[future])
            finally:  # also after an interrupt
                pool.shutdown(wait=False, cancel_futures=True)
                self._failure = self._failure or CancelledError()
                for process in self._processes:
                    process.terminate()  # has no effect on a finished process

    def _execute(self, command: Sequence[str], log: Path) -> None:
        """Raises the first failure, also for commands that are terminated or not started."""
        if self._failure:
            raise self._failure
        log.parent.mkdir(parents=True, exist_ok=True)
        threads = str(max(1, (os.cpu_count() or 1) // self.jobs))
        with log.open('a') as output:
            print(f'$ {shlex.join(command)}', file=output, flush=True)
            start = output.tell()
            process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[self.lock.fileno()],
                env={'OMP_NUM_THREADS': threads, **os.environ},
            )
            self._processes.append(process)
            if self._failure:  # perhaps since before this process was listed
                process.terminate()
            process.wait()
        if process.returncode == DivergedError.exit_status:
            raise DivergedError(last_words(log, start))
        if process.returncode:
            self._failure = self._failure or InputError(
                f'{command[1]} failed (exit status {process.returncode}): '
                f'{last_words(log, start)} See {log}; the same command continues from here.'
            )
            raise self._failure


@contextmanager
def locked(folder: Path) -> Iterator[TextIO]:
    """Locks a folder against a second reproduction.

    Raises:
        InputError: If the folder is locked already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / 'lock').open('w') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f'{folder}: another reproduction, or a training that it left behind, is still '
                'running in this folder: wait until it ends, or stop it.'
            ) from None
        yield lock


def last_words(log: Path, start: int) -> str:
    """Returns the last error in a log after byte ``start``; without an error, the last line."""
    with log.open('rb') as file:
        file.seek(start)
        lines = [line.strip() for line in file.read().decode(errors='replace').splitlines()]
    errors = [line for line in lines if line.startswith('error')]
    return (errors or [line for line in lines if line] or ['no output.'])[-1]
