"""The results of an experiment: accuracies of the rows over seeds, as a table and a plot."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vitae_mm.io import write_atomically

from .experiments import Experiment, Row
from .reproduction import Run

WIDTH = 3.4
"""Width of the plot in inches: a column of a page."""


@dataclass(frozen=True)
class Result:
    """The accuracies of a row over its seeds.

    Attributes:
        row: The row.
        accuracies: Top-1 by seed, in percent.
        paper: The paper's figure, or what it says instead; None if it is unknown.
    """

    row: Row
    accuracies: Mapping[int, float]
    paper: float | str | None

    @property
    def mean(self) -> float:
        return mean(self.accuracies.values())

    @property
    def spread(self) -> float:
        """Half the range over the seeds."""
        return (max(self.accuracies.values()) - min(self.accuracies.values())) / 2

    def as_json(self) -> dict:
        return dict(
            label=self.row.label,
            mean=self.mean,
            spread=self.spread,
            accuracies=self.accuracies,
            paper=self.paper,
        )


def collect_results(experiment: Experiment, runs: Sequence[Run]) -> list[Result]:
    """Returns one result per row from finished runs."""
    accuracies: dict[Row, dict] = defaultdict(dict)
    for run in runs:
        accuracies[run.row][run.seed] = run.accuracy()
    return [
        Result(row, by_seed, experiment.paper.rows.get(row.label))
        for row, by_seed in accuracies.items()
    ]


def markdown(results: Sequence[Result]) -> str:
    """Returns a Markdown table: mean ± half the range, each seed, and the paper's figure."""
    seeds = list(results[0].accuracies)
    lines = [
        '| | top-1 (%) | ' + ' | '.join(f'seed {seed}' for seed in seeds) + ' | paper, ImageNet |',
        '| --- |' + ' --- |' * (len(seeds) + 2),
    ]
    for result in results:
        spread = f' ± {result.spread:.1f}' if len(seeds) > 1 else ''
        each = ' | '.join(f'{value:.1f}' for value in result.accuracies.values())
        paper = '-' if result.paper is None else result.paper
        lines.append(f'| {result.row.label} | {result.mean:.1f}{spread} | {each} | {paper} |')
    return '\n'.join(lines) + '\n'


def draw(experiment: Experiment, results: Sequence[Result], path: Path) -> None:
    """Plots mean and range: one line per series if the rows form series, otherwise points."""
    figure = Figure(figsize=(WIDTH, 2.6), layout='constrained')
    panel = figure.subplots()
    if experiment.axis:
        _draw_curves(panel, results)
        panel.set(xlabel=experiment.axis, ylabel='top-1 (%)')
    else:
        panel.errorbar(
            [result.mean for result in results],
            [result.row.label for result in results],
            xerr=[result.spread for result in results],
            fmt='o',
            capsize=3,
        )
        panel.set(xlabel='top-1 (%)', ylim=(len(results) - 0.5, -0.5))
    panel.grid(alpha=0.3)
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=200))


def _draw_curves(panel: Axes, results: Sequence[Result]) -> None:
    series = defaultdict(list)
    for result in results:
        series[result.row.series].append(result)
    for (name, points), marker in zip(series.items(), 'osD^v', strict=False):
        panel.errorbar(
            [point.row.x for point in points],
            [point.mean for point in points],
            [point.spread for point in points],
            marker=marker,
            capsize=3,
            label=name,
        )
    panel.set_xticks(sorted({result.row.x for result in results}))
    panel.legend()
