"""Showing the progress of a run on the screen."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from numbers import Real
from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.runner import FlexibleRunner, IterBasedTrainLoop, Runner
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from torch import Tensor

from vitae_mm.engine.screen import file_handlers, screen_handlers

PLAIN_SECONDS = 60
"""Seconds between lines where the output is not a terminal, unless an epoch ends."""

SIZES = ('_s', '_m', '_l', '(M)', '(L)')
"""Ends of the names of scores for objects of one size."""


@contextlib.contextmanager
def show_progress(runner: Runner | FlexibleRunner) -> Iterator[None]:
    """Adds :class:`ProgressHook` to a runner, in its process of rank 0, and ends the bar when the
    run ends, however it does."""
    if runner.rank != 0:
        yield
        return
    hook = ProgressHook(Console())
    runner.register_hook(hook)
    with hook.bar if hook.live else contextlib.nullcontext(), _log_above_bar():
        yield


@contextlib.contextmanager
def _log_above_bar() -> Iterator[None]:
    """Makes the logger write to what the bar has put in place of standard output."""
    handlers = screen_handlers(MMLogger.get_current_instance())
    streams = [handler.setStream(sys.stdout) for handler in handlers]
    try:
        yield
    finally:
        for handler, stream in zip(handlers, streams, strict=True):
            handler.setStream(stream or sys.__stdout__)


class ProgressHook(Hook):
    """Shows the steps, the loss, the learning rate and the remaining time of a run, and the scores
    of each validation.

    A terminal has one line that changes with every step, above which a line remains for each epoch,
    or each interval between validations if a run is counted in iterations. Elsewhere, such as in
    the log of a batch system, lines are plain and come at most every minute and after an epoch.

    Args:
        console: Where to show it.
    """

    # after the hooks that measure time and save checkpoints
    priority = 'VERY_LOW'

    def __init__(self, console: Console):
        self.console = console
        self.live = console.is_terminal and not console.is_dumb_terminal
        self.bar = Progress(
            TextColumn('{task.description}'),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn('{task.fields[text]}'),
            console=console,
            transient=True,
        )
        self.task = self.bar.add_task('', total=None, visible=False, text='')
        self.last_line = self.start = time.monotonic()
        self.first_step: int | None = None

    def before_train(self, runner: Runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        loop = runner.train_loop
        if isinstance(loop, IterBasedTrainLoop):
            length, position = f'{runner.max_iters} steps', f'step {runner.iter}'
        else:
            length = f'{runner.max_epochs} epochs of {len(loop.dataloader)} steps'
            position = f'epoch {runner.epoch}'
        resumed = f', resumed after {position}' if runner.iter else ''
        self._print(f'training {type(model).__name__} for {length}{resumed}')
        for handler in file_handlers():
            self._print(f'log: {_relative(handler.baseFilename)}')

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        step = self._place(runner, batch_idx)[1]
        if step == 0 or self.first_step is None:  # a resumed run may begin within an interval
            self.first_step, self.start = step, time.monotonic()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        name, step, steps = self._place(runner, batch_idx)
        ends = step + 1 == steps
        done = step + 1 - (self.first_step or 0)
        numbers = _numbers(runner, window=done if ends else 1)
        if ends:
            elapsed = _duration(time.monotonic() - self.start)
            self._print('  '.join([name, f'{done} steps in {elapsed}', numbers]))
        self._step(name, step + 1, steps=steps, text=numbers)

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        self._step('validation', batch_idx + 1, steps=len(runner.val_dataloader))

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self._print(f'validation  {format_scores(metrics or {}) or "no scores"}')

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        self._step('test', batch_idx + 1, steps=len(runner.test_dataloader))

    def after_train(self, runner: Runner) -> None:
        checkpoint = runner.message_hub.runtime_info.get('last_ckpt')
        if checkpoint:
            self._print(f'checkpoint: {_relative(checkpoint)}')

    def _place(self, runner: Runner, batch_idx: int) -> tuple[str, int, int]:
        """The name of the current epoch or interval, the step in it from 0, and its steps."""
        loop = runner.train_loop
        if not isinstance(loop, IterBasedTrainLoop):
            return f'epoch {runner.epoch + 1}/{runner.max_epochs}', batch_idx, len(loop.dataloader)
        # without validation, it may be None
        interval = min(loop.val_interval or runner.max_iters, runner.max_iters)
        start = runner.iter // interval * interval
        end = min(start + interval, runner.max_iters)
        return f'step {end}/{runner.max_iters}', runner.iter - start, end - start

    def _step(self, name: str, step: int, *, steps: int, text: str = '') -> None:
        if self.live:
            self.bar.update(
                self.task,
                description=name,
                completed=step,
                total=steps,
                text=text,
                visible=step < steps,
            )
        elif step < steps and time.monotonic() - self.last_line >= PLAIN_SECONDS:
            self._print('  '.join(filter(None, [name, f'{step}/{steps}', text])))

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)
        self.last_line = time.monotonic()


def format_scores(metrics: Mapping[str, Any]) -> str:
    """Formats the scores of an evaluator in one line, without those of objects of one size."""
    return '  '.join(
        f'{name.rpartition("/")[2]} {value:.4g}'
        for name, value in scalar_scores(metrics).items()
        if not name.endswith(SIZES)
    )


def scalar_scores(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Returns the numbers among what an evaluator returns; metrics may also return lists, texts and
    others."""
    return {
        name: float(value)
        for name, value in metrics.items()
        if isinstance(value, Real) or (isinstance(value, (np.ndarray, Tensor)) and value.ndim == 0)
    }


def _numbers(runner: Runner, window: int) -> str:
    """The loss, averaged over the last steps, the learning rate and the remaining time."""
    scalars = runner.message_hub.log_scalars
    parts = []
    if 'train/loss' in scalars:
        parts.append(f'loss {scalars["train/loss"].mean(window):.4f}')
    if 'train/lr' in scalars:
        parts.append(f'lr {scalars["train/lr"].current():.2e}')
    seconds = runner.message_hub.runtime_info.get('eta')
    if seconds is not None:
        parts.append(f'{_duration(seconds)} left')
    return '  '.join(parts)


def _duration(seconds: float) -> str:
    """Formats seconds as '0:01:30', after whole days if any."""
    return str(timedelta(seconds=round(seconds)))


def _relative(path: str) -> str:
    relative = os.path.relpath(path)
    return path if relative.startswith('..') else relative
