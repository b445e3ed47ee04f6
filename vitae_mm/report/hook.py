"""Collecting what a report shows while a checkpoint is tested."""

import heapq
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Any

from mmengine.dist import broadcast_object_list, collect_results, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement

from vitae_mm.engine.hooks.progress import scalar_scores
from vitae_mm.errors import describe_error
from vitae_mm.visualization.contact_sheet import evenly_spaced

from .report import Report
from .task import TASKS, Judgment, Task, find_task

SHOWN = 12
"""Number of images of the contact sheet, evenly spaced over the test set."""

WORST = 12
"""Number of worst images."""


class ReportHook(Hook):
    """Writes a report of a test: scores, charts, a contact sheet and the worst images.

    Each process keeps the predictions of the images that it may have to draw, and a few numbers
    of each other image; the first process draws those of all. What cannot be shown is left out,
    with a sentence in the report; it does not make the test fail.

    Args:
        folder: Folder of the report, which is replaced; see :func:`check_folder`.
        about: What was tested, by name, for the end of the page.

    Attributes:
        report: The report; None before the end of the test, and on other processes than the first.
    """

    priority = 'LOWEST'

    def __init__(self, folder: Path, about: Mapping[str, str]):
        self.folder = folder
        self.about = about
        self.report: Report | None = None
        self.task: Task | None = None
        self.left_out: list[str] = []
        self.judgments: dict[int, Judgment] = {}
        self.shown: dict[int, BaseDataElement] = {}
        self.worst: list[tuple[float, int, BaseDataElement]] = []
        self.listening = ExitStack()

    def before_test_epoch(self, runner: Runner) -> None:
        loader = runner.test_dataloader
        scope = runner.cfg.get('default_scope')
        if scope not in TASKS:
            self.left_out.append(
                f'no pictures and charts: default_scope {scope!r} of the config is not one of '
                f'{", ".join(TASKS)}.'
            )
            return
        try:
            self.batches = list(islice(iter(loader.batch_sampler), len(loader)))
            self.task = find_task(scope)(loader.dataset, runner.test_evaluator.metrics)
            self.task.choose(set(evenly_spaced(len(loader.dataset), SHOWN)))
            self.listening.enter_context(self.task.listening())
        except Exception as error:  # of a dataset or metric that we do not know
            self._give_up(error)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        if self.task is None:
            return
        try:
            self._collect(self.task, self.batches[batch_idx], outputs)
        except Exception as error:
            self._give_up(error)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        self.listening.close()
        parts = _gather((self.judgments, self.left_out))
        # processes share some images at the end, so that each has equally many
        judgments = {i: judged for part, _ in parts for i, judged in part.items()}
        wrong = (i for i, judged in judgments.items() if judged.quality < 1)
        worst = [sorted(wrong, key=lambda i: (judgments[i].quality, i))[:WORST]]
        broadcast_object_list(worst)
        kept = {-place: sample for _, place, sample in self.worst if -place in worst[0]}
        drawn = _gather((self.shown, kept))
        if not is_main_process():
            return
        shown, samples = (
            {i: s for part in parts for i, s in part.items()} for parts in zip(*drawn, strict=True)
        )
        self.report = Report(
            scores=scalar_scores(metrics or {}),
            about=self.about,
            left_out=list(dict.fromkeys(chain.from_iterable(notes for _, notes in parts))),
        )
        if self.task is not None:
            self.report.add(
                self.task,
                dict(sorted(judgments.items())),
                shown=dict(sorted(shown.items())),
                worst={i: samples[i] for i in worst[0]},
            )
        try:
            self.report.write(self.folder)
        except Exception as error:  # such as a full disk: the scores are worth more
            self.report.left_out.append(f'no report: {describe_error(error)}.')

    def _collect(
        self, task: Task, indices: Sequence[int], samples: Sequence[BaseDataElement]
    ) -> None:
        judged = task.judge(indices, samples)
        for index, sample, judgment in zip(indices, samples, judged, strict=True):
            if task.is_chosen(index, sample):
                self.shown[index] = task.keep(sample)
            if judgment is None:
                continue
            self.judgments[index] = judgment
            # the first of the heap is the best of the worst
            place = -judgment.quality, -index
            if judgment.quality < 1 and (len(self.worst) < WORST or place > self.worst[0][:2]):
                heapq.heappush(self.worst, (*place, task.keep(sample)))
                if len(self.worst) > WORST:
                    heapq.heappop(self.worst)

    def _give_up(self, error: Exception) -> None:
        self.left_out.append(f'no pictures and charts: {describe_error(error)}.')
        self.task = None


def _gather(part: Any) -> list:
    """Returns the parts of all processes in the first one, and an empty list in the others."""
    # through files, as the evaluators do: parts may be too large for the memory of a GPU
    return collect_results([part], get_world_size(), 'cpu') or []
