"""The parts of an experiment: rows that are compared, and their trainings."""

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from mmengine.config import Config

from vitae_mm.engine.cli import add_config_argument
from vitae_mm.engine.config import load_config
from vitae_mm.errors import InputError

from .papers import Figures

START = 'model.backbone.init_cfg'


def start_options(checkpoint: str) -> tuple[str, ...]:
    """Returns the options that make a training start from the weights of a backbone."""
    return f'{START}.type=Pretrained', f'{START}.checkpoint={checkpoint}'


@dataclass(frozen=True)
class Training:
    """A config with changes.

    Attributes:
        config: Path of the config.
        options: Changed entries of the config in the form of ``--cfg-options``.
    """

    config: str
    options: tuple[str, ...] = ()

    def but(self, *options: str) -> 'Training':
        """Returns the training with more options."""
        return Training(self.config, self.options + options)

    def with_backbone(self, options: str) -> 'Training':
        """Returns the training with more options of the backbone, as in ``'lca=False'``."""
        return self.but(*(f'model.backbone.{option}' for option in options.split()))

    def with_rate(self, rate: float) -> 'Training':
        """Returns the training with this learning rate."""
        return self.but(f'optim_wrapper.optimizer.lr={rate:g}')

    def start_from(self, checkpoint: str) -> 'Training':
        """Returns the training from the weights of a checkpoint's backbone."""
        return self.but(*start_options(checkpoint))

    @property
    def start(self) -> Path | None:
        """The checkpoint of :meth:`start_from`."""
        checkpoint = self.overrides().get(f'{START}.checkpoint')
        return Path(checkpoint) if checkpoint else None

    def overrides(self) -> dict:
        """Parses the options as ``tools/train.py`` does."""
        parser = argparse.ArgumentParser()
        add_config_argument(parser)
        args = ['--cfg-options', *self.options] if self.options else []
        return parser.parse_args(args).cfg_options or {}

    def load(self) -> Config:
        """Reads the config and applies the options."""
        return load_config(self.config, self.overrides())

    def epochs(self) -> int:
        """Returns the number of epochs."""
        return _count_epochs(self)


@cache
def _count_epochs(training: Training) -> int:
    return training.load().train_cfg.max_epochs


@dataclass(frozen=True)
class Metric:
    """A score by which rows are compared; higher is better.

    Attributes:
        key: Name in the metrics of a test.
        title: Title of columns and axes, with the unit.
        factor: Multiplied with the value of the test to get this unit.
        empty: Score if the test has none, as COCO's evaluation of a detector that finds nothing.
            Defaults to an error.
    """

    key: str
    title: str
    factor: float = 1.0
    empty: float | None = None

    def read(self, metrics: Mapping[str, float]) -> float | None:
        """Returns the score in the unit of the title; None if the metrics are empty, as those of
        a run that diverged.

        Raises:
            InputError: If the metrics do not have the score.
        """
        if not metrics:
            return None
        value = metrics.get(self.key, self.empty)
        if value is None:
            raise InputError(
                f'the test has no {self.key}, only {", ".join(metrics)}: add the metric to '
                'test_evaluator of the config, and delete the result.json of the run.'
            )
        return self.factor * value


TOP_1 = Metric('accuracy/top1', 'top-1 (%)')


@dataclass(frozen=True)
class Search:
    """The choice of a learning rate: the best of a few in a short training.

    Attributes:
        name: What it is chosen for; rows with the same name share the choice.
        training: A training on a part of the training images that is tested on the others.
        rates: The learning rates to choose from.
    """

    name: str
    training: Training
    rates: tuple[float, ...]

    def rows(self) -> dict[float, 'Row']:
        """Returns a row for each learning rate."""
        return {
            rate: Row(
                f'{self.name}, lr {rate:g}',
                (self.training.with_rate(rate),),
                series=self.name,
                x=rate,
            )
            for rate in self.rates
        }


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        label: Name of the row, also in :attr:`Figures.rows`.
        trainings: Trainings in order. Each starts from the weights of the previous one; the
            last is tested.
        series: Name of a line in the plot that the row belongs to.
        x: Position of the row on the line's axis.
        search: How the learning rate of the last training is chosen. Defaults to its config's.
    """

    label: str
    trainings: tuple[Training, ...]
    series: str | None = None
    x: float = 0.0
    search: Search | None = None

    @property
    def name(self) -> str:
        """The label in a form suitable for the name of a folder."""
        return re.sub('[^a-z0-9]+', '_', self.label.lower()).strip('_')

    def with_rate(self, rate: float) -> 'Row':
        """Returns the row with this learning rate in its last training."""
        *first, last = self.trainings
        return replace(self, trainings=(*first, last.with_rate(rate)))


@dataclass(frozen=True)
class Experiment:
    """Rows that are compared.

    Attributes:
        title: Description of the comparison.
        presets: Rows by preset.
        paper: The papers' accuracies.
        axis: Title of the axis of ``x``, with its unit.
        metric: The score of the test. Defaults to top-1 accuracy.
    """

    title: str
    presets: Mapping[str, tuple[Row, ...]]
    paper: Figures = field(default_factory=Figures)
    axis: str = ''
    metric: Metric = TOP_1
