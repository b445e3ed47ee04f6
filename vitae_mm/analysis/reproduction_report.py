"""The results of an experiment: scores of the rows over seeds, as a table, plots and CSV files."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from math import nan
from pathlib import Path
from statistics import mean, stdev

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically, write_text

from .experiment import Experiment, Metric, Row
from .reproduction import Run, read_curve
from .tables import markdown_table

WIDTH = 3.4
"""Width of a plot in inches: a column of a page."""

Curves = Mapping[Row, Mapping[float, Mapping[int, float]]]
"""Scores of validations by row, by the share of the training in percent, and by seed."""


@dataclass(frozen=True)
class Result:
    """The scores of a row over its seeds.

    Attributes:
        row: The row.
        scores: Scores of finished runs by seed; None if the run diverged.
        paper: The paper's figure, or what it says instead; None if it is unknown.
    """

    row: Row
    scores: Mapping[int, float | None]
    paper: float | str | None

    @property
    def found(self) -> list[float]:
        """The scores of the runs that did not diverge."""
        return [score for score in self.scores.values() if score is not None]

    @property
    def mean(self) -> float:
        """Mean of the scores; nan if there are none."""
        return mean(self.found) if self.found else nan

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation over the seeds; None with fewer than two scores."""
        return stdev(self.found) if len(self.found) > 1 else None

    def summary(self) -> str:
        """Returns mean and deviation, and how many runs diverged."""
        lost = len(self.scores) - len(self.found)
        if not self.found:
            return 'diverged'
        spread = '' if self.deviation is None else f' ± {self.deviation:.1f}'
        return f'{self.mean:.1f}{spread}' + (f' ({lost} diverged)' if lost else '')


def collect_results(experiment: Experiment, runs: Sequence[Run]) -> list[Result]:
    """Returns one result per row from the finished runs; those of a series one after the other."""
    scores: dict[Row, dict] = defaultdict(dict)
    for run in runs:
        if (metrics := run.metrics()) is not None:
            scores[run.row][run.seed] = experiment.metric.read(metrics)
    series = list(dict.fromkeys(row.series for row in scores))
    return [
        Result(row, scores[row], experiment.paper.rows.get(row.label))
        for row in sorted(scores, key=lambda row: (series.index(row.series), row.x))
    ]


def markdown(experiment: Experiment, results: Sequence[Result]) -> str:
    """Returns a Markdown table: mean ± standard deviation, each seed, and the paper's figure."""
    seeds = list(dict.fromkeys(seed for result in results for seed in result.scores))
    header = ['', experiment.metric.title, *(f'seed {seed}' for seed in seeds)]
    rows = [
        [result.row.label, result.summary(), *(_format(result.scores, seed) for seed in seeds)]
        for result in results
    ]
    if any(result.paper is not None for result in results):
        header.append('paper, ImageNet')
        for row, result in zip(rows, results, strict=True):
            row.append('-' if result.paper is None else str(result.paper))
    return markdown_table([header, *rows])


def search_table(experiment: Experiment, results: Sequence[Result]) -> str:
    """Returns a Markdown table: a line for each series, and a column for each learning rate."""
    rates = sorted({result.row.x for result in results})
    found: dict[str | None, dict[float, str]] = defaultdict(dict)
    for result in results:
        found[result.row.series][result.row.x] = result.summary()
    lines = [[experiment.metric.title, *(f'lr {rate:g}' for rate in rates)]]
    for name, scores in found.items():
        lines.append([str(name), *(scores.get(rate, '-') for rate in rates)])
    return markdown_table(lines)


def _format(scores: Mapping[int, float | None], seed: int) -> str:
    if seed not in scores:  # interrupted
        return '-'
    score = scores[seed]
    return 'diverged' if score is None else f'{score:.1f}'


def write_scores(experiment: Experiment, results: Sequence[Result], path: Path) -> None:
    """Writes a CSV file with a line for each finished run; the score of one that diverged is
    empty."""
    _write_csv(
        path,
        _scores_header(experiment),
        (
            [row.label, row.series, row.x if row.series else None, seed, score]
            for row, scores in ((result.row, result.scores) for result in results)
            for seed, score in scores.items()
        ),
    )


def read_scores(experiment: Experiment, path: Path) -> list[Result]:
    """Reads the file of :func:`write_scores`; its rows have no trainings.

    Raises:
        InputError: If the file is not one of this experiment.
    """
    scores: dict[Row, dict[int, float | None]] = defaultdict(dict)
    for label, series, x, seed, score in _read_csv(path, _scores_header(experiment)):
        row = Row(label, (), series=series or None, x=float(x or 0))
        scores[row][int(seed)] = float(score) if score else None
    return [
        Result(row, by_seed, experiment.paper.rows.get(row.label))
        for row, by_seed in scores.items()
    ]


def collect_curves(metric: Metric, runs: Sequence[Run]) -> Curves:
    """Returns the scores of all validations of the runs that finished and did not diverge."""
    curves: dict[Row, dict[float, dict]] = defaultdict(lambda: defaultdict(dict))
    for run in runs:
        for share, score in read_curve(run, metric) if run.metrics() else ():
            curves[run.row][share][run.seed] = score
    return curves


def write_curves(metric: Metric, curves: Curves, path: Path) -> None:
    """Writes a CSV file with the scores of all validations."""
    _write_csv(
        path,
        _curves_header(metric),
        (
            [row.label, seed, share, score]
            for row, by_share in curves.items()
            for share, scores in by_share.items()
            for seed, score in scores.items()
        ),
    )


def read_curves(metric: Metric, rows: Iterable[Row], path: Path) -> Curves:
    """Reads the file of :func:`write_curves` for these rows; skips others.

    Raises:
        InputError: If the file has no curves of this metric.
    """
    by_label = {row.label: row for row in rows}
    curves: dict[Row, dict[float, dict]] = defaultdict(lambda: defaultdict(dict))
    for label, seed, share, score in _read_csv(path, _curves_header(metric)):
        if label in by_label:
            curves[by_label[label]][float(share)][int(seed)] = float(score)
    return curves


def draw(experiment: Experiment, results: Sequence[Result], path: Path) -> None:
    """Plots mean and deviation: one line per series if the rows form series, otherwise points."""
    shown = [result for result in results if result.found]
    title = experiment.metric.title
    with _plot(path) as panel:
        if shown and shown[0].row.series:
            _draw_series(panel, shown)
            panel.set(xlabel=experiment.axis, ylabel=title)
        else:
            panel.errorbar(
                [result.mean for result in shown],
                [result.row.label for result in shown],
                xerr=[result.deviation or 0 for result in shown],
                fmt='o',
                capsize=3,
            )
            panel.set(xlabel=title, ylim=(len(shown) - 0.5, -0.5))


def draw_curves(metric: Metric, curves: Curves, path: Path) -> None:
    """Plots the mean score during the training of each row, in a band from the lowest to the
    highest; of rows that form series, only those with the largest ``x``."""
    largest = max(row.x for row in curves)
    with _plot(path) as panel:
        for row, by_share in curves.items():
            if row.x < largest:
                continue
            shares = sorted(by_share)
            middle, low, high = (
                [summary(by_share[share].values()) for share in shares]
                for summary in (mean, min, max)
            )
            (line,) = panel.plot(shares, middle, '.-', label=row.label)
            panel.fill_between(shares, low, high, color=line.get_color(), alpha=0.2)
        panel.set(xlabel='training (%)', ylabel=metric.title)
        panel.legend()


@contextmanager
def _plot(path: Path) -> Iterator[Axes]:
    figure = Figure(figsize=(WIDTH, 2.6), layout='constrained')
    panel = figure.subplots()
    yield panel
    panel.grid(alpha=0.3)
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=200))


def _draw_series(panel: Axes, results: Sequence[Result]) -> None:
    series = defaultdict(list)
    for result in results:
        series[result.row.series].append(result)
    for (name, points), marker in zip(series.items(), cycle('osD^v'), strict=False):
        panel.errorbar(
            [point.row.x for point in points],
            [point.mean for point in points],
            [point.deviation or 0 for point in points],
            marker=marker,
            capsize=3,
            label=name,
        )
    panel.set_xticks(sorted({result.row.x for result in results}))
    if series:
        panel.legend()


def _scores_header(experiment: Experiment) -> list[str]:
    return ['label', 'series', 'x', 'seed', experiment.metric.key]


def _curves_header(metric: Metric) -> list[str]:
    return ['label', 'seed', 'training (%)', metric.key]


def _read_csv(path: Path, header: list[str]) -> list[list[str]]:
    with path.open() as file:
        found, *lines = list(csv.reader(file)) or [[]]
    if found != header:
        raise InputError(f'{path}: the first line is {found}, not {header}: give another file.')
    return lines


def _write_csv(path: Path, header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(header)
    # 41.2 instead of 41.199999999999996
    writer.writerows([f'{x:.6g}' if isinstance(x, float) else x for x in line] for line in lines)
    write_text(path, text.getvalue())
