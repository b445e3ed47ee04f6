"""The files of scores in docs/results."""

from collections.abc import Sequence
from pathlib import Path

from vitae_mm.errors import InputError

from .experiment import Experiment, Metric
from .experiments import EXPERIMENTS
from .reproduction_report import Result, read_scores

MEASURES = dict(
    attention_distance=Experiment(
        'Average attention distance',
        {},
        axis='attention layer',
        metric=Metric('distance', 'distance (pixels)'),
    ),
    robustness=Experiment(
        'Accuracy under PGD',
        {},
        axis='largest change of a pixel (1/255)',
        metric=Metric('accuracy', 'top-1 (%)'),
    ),
)
"""What tools/analysis/look_inside.py measures, by the names of its files."""

PUBLISHED = {
    f'{name}_{preset}': experiment
    for name, experiment in EXPERIMENTS.items()
    for preset in experiment.presets
} | {f'plateau_mini_{name}': measure for name, measure in MEASURES.items()}
"""What the files are the scores of, by their names without the suffix."""


def read_published(path: Path) -> tuple[Experiment, Sequence[Result]]:
    """Reads a file of docs/results.

    Raises:
        InputError: If it does not have the name of an experiment, or is not a file of its scores.
    """
    if path.stem not in PUBLISHED:
        raise InputError(
            f'{path}: {path.stem!r} is not the name of an experiment and a preset: choose from '
            f'{", ".join(PUBLISHED)}.'
        )
    experiment = PUBLISHED[path.stem]
    return experiment, read_scores(experiment, path)
