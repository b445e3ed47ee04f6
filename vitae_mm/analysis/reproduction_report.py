"""What the runs of an experiment came to: a table and a picture."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import matplotlib

from vitae_mm.io import write_atomically

from .experiments import Experiment, Row
from .reproduction import Run

matplotlib.use('Agg')
from matplotlib import pyplot as plt

WIDTH = 3.4
"""Of the picture, in inches: a column of a page."""


@dataclass(frozen=True)
class Summary:
    """A row over its seeds.

    Attributes:
        row: What was trained.
        accuracies: Top-1 by seed, in percent.
        paper: The paper's figure, if it is known.
    """

    row: Row
    accuracies: Mapping[int, float]
    paper: float | None

    @property
    def mean(self) -> float:
        return mean(self.accuracies.values())

    @property
    def spread(self) -> float:
        """Half of the range over the seeds."""
        return (max(self.accuracies.values()) - min(self.accuracies.values())) / 2


def summarise(experiment: Experiment, runs: Sequence[Run]) -> list[Summary]:
    """One summary a row, of runs that are done."""
    accuracies = defaultdict(dict)
    for run in runs:
        accuracies[run.row][run.seed] = run.accuracy()
    return [
        Summary(row, by_seed, experiment.paper.get(row.label))
        for row, by_seed in accuracies.items()
    ]


def markdown(summaries: Sequence[Summary]) -> str:
    """A table: mean ± half the range, each seed, and the paper's figure."""
    seeds = list(summaries[0].accuracies)
    lines = [
        '| | top-1 (%) | ' + ' | '.join(f'seed {seed}' for seed in seeds) + ' | paper, ImageNet |',
        '| --- |' + ' --- |' * (len(seeds) + 2),
    ]
    for summary in summaries:
        total = f'{summary.mean:.1f}'
        if len(seeds) > 1:
            total += f' ± {summary.spread:.1f}'
        each = ' | '.join(f'{value:.1f}' for value in summary.accuracies.values())
        paper = '-' if summary.paper is None else f'{summary.paper:.1f}'
        lines.append(f'| {summary.row.label} | {total} | {each} | {paper} |')
    return '\n'.join(lines) + '\n'


def draw(experiment: Experiment, summaries: Sequence[Summary], path: Path) -> None:
    """Draws mean and range: lines where rows form series, else a point each."""
    figure, panel = plt.subplots(figsize=(WIDTH, 2.6), layout='constrained')
    label = 'top-1 (%)'
    if experiment.axis:
        _draw_curves(panel, summaries)
        panel.set(xlabel=experiment.axis, ylabel=label)
    else:
        names = [summary.row.label for summary in summaries]
        panel.errorbar(
            [summary.mean for summary in summaries],
            names,
            xerr=[summary.spread for summary in summaries],
            fmt='o',
            capsize=3,
        )
        panel.set(xlabel=label, ylim=(len(names) - 0.5, -0.5))
    panel.grid(alpha=0.3)
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=200))
    plt.close(figure)


def _draw_curves(panel: plt.Axes, summaries: Sequence[Summary]) -> None:
    series = defaultdict(list)
    for summary in summaries:
        series[summary.row.series].append(summary)
    for (name, points), marker in zip(series.items(), 'osD^v'):
        panel.errorbar(
            [point.row.x for point in points],
            [point.mean for point in points],
            [point.spread for point in points],
            marker=marker,
            capsize=3,
            label=name,
        )
    panel.set_xticks(sorted({summary.row.x for summary in summaries}))
    panel.legend()
