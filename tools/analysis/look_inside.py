#!/usr/bin/env python
"""Measures the classifiers of a finished reproduction, with the spread over its seeds: how far the
attention of each layer reaches, and the accuracy under attack.

    python tools/reproduce.py plateau --preset mini --seeds 0 1 2 --jobs 2
    python tools/analysis/look_inside.py work_dirs/reproduce/plateau_mini

The tool writes attention_distance.csv and .png, robustness.csv and .png, and look_inside.md with
tables to the folder. attention_distance.py and robustness.py of this folder describe what is
measured; the attack is PGD. All networks see the same test images.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.model import BaseModel
from rich.progress import track

from vitae_mm.analysis.attacks import parse_eps, require_torchattacks
from vitae_mm.analysis.attention_distance import measure_distances
from vitae_mm.analysis.attention_weights import attention_layers
from vitae_mm.analysis.classifiers import PixelClassifier, read_samples
from vitae_mm.analysis.experiment import Experiment, Metric, Row
from vitae_mm.analysis.experiments import find_rows
from vitae_mm.analysis.loading import choose, dataset_readers, network_input
from vitae_mm.analysis.reproduction import Run, plan_runs
from vitae_mm.analysis.reproduction_report import Result, draw, markdown, write_scores
from vitae_mm.analysis.robustness import measure_robustness
from vitae_mm.engine.cli import add_device_argument, check_device, reports_input_errors, tool_parser
from vitae_mm.engine.config import strip_test_dataset
from vitae_mm.engine.models import load_model
from vitae_mm.engine.resume import last_checkpoint
from vitae_mm.errors import InputError
from vitae_mm.io import write_text

DISTANCE = Experiment(
    'Average attention distance',
    {},
    axis='attention layer',
    metric=Metric('distance', 'distance (pixels)'),
)
ROBUSTNESS = Experiment(
    'Accuracy under PGD',
    {},
    axis='largest change of a pixel (1/255)',
    metric=Metric('accuracy', 'top-1 (%)'),
)

Points = Iterator[tuple[float, float]]
"""Positions on the axis of an experiment, and scores there."""


@reports_input_errors
def main() -> None:
    args = parse_args()
    check_device(args.device)
    require_torchattacks()
    runs = read_runs(args.folder)
    scores: dict[str, dict] = defaultdict(lambda: defaultdict(dict))
    for run in track(runs, description='measuring'):
        for experiment, points in (
            (DISTANCE, distances(run, args)),
            (ROBUSTNESS, accuracies(run, args)),
        ):
            for x, score in points:
                scores[experiment.title][run.row.label, x][run.seed] = score
    text = ''
    for experiment, name in ((DISTANCE, 'attention_distance'), (ROBUSTNESS, 'robustness')):
        results = [
            Result(Row(f'{label}, {x:g}', (), series=label, x=x), by_seed, None)
            for (label, x), by_seed in scores[experiment.title].items()
        ]
        write_scores(experiment, results, args.folder / f'{name}.csv')
        draw(experiment, results, args.folder / f'{name}.png')
        text += f'# {experiment.title}\n\n{markdown(experiment, results)}\n'
    write_text(args.folder / 'look_inside.md', text)
    print(f'{text}written to {args.folder}')


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    option = parser.add_argument
    option('folder', type=Path, metavar='FOLDER', help='work dir of tools/reproduce.py')
    option('--count', type=int, default=200, help='number of test images; default: 200')
    eps = 'largest changes of a pixel in [0, 1]; default: 1/255 2/255 4/255'
    option('--eps', nargs='+', type=parse_eps, default=[1 / 255, 2 / 255, 4 / 255], help=eps)
    add_device_argument(parser)
    args = parser.parse_args()
    if args.count < 1:
        raise InputError(f'--count {args.count}: give a whole number, 1 or more.')
    return args


def read_runs(folder: Path) -> list[Run]:
    """Returns the runs of a reproduction that did not diverge.

    Raises:
        InputError: If the folder is not that of a finished reproduction.
    """
    file = folder / 'request.json'
    if not file.is_file():
        raise InputError(f'{folder} has no request.json: give the work dir of tools/reproduce.py.')
    request = json.loads(file.read_text())
    rows = find_rows(request['experiment'], request['preset'])
    runs = plan_runs(rows, request['seeds'], folder)
    if any(run.metrics() is None for run in runs):
        raise InputError(f'{folder} is not finished: run tools/reproduce.py with the same options.')
    return [run for run in runs if run.metrics()]


def load(run: Run, device: str) -> BaseModel:
    """Loads the network of a run."""
    training = run.row.trainings[-1]
    cfg = training.load()
    strip_test_dataset(cfg)
    return load_model(cfg, str(last_checkpoint(run.work_dir(training))), device)


def distances(run: Run, args: argparse.Namespace) -> Points:
    """Yields the numbers of the attention layers, from 1, and their distances in pixels."""
    model = load(run, args.device)
    readers = dataset_readers(run.row.trainings[-1].load())
    images = (network_input(model, read()) for read in choose(readers, args.count, seed=0))
    layers = measure_distances(model, attention_layers(model.backbone), images)['layers']
    yield from ((number, layer['mean']) for number, layer in enumerate(layers, start=1))


def accuracies(run: Run, args: argparse.Namespace) -> Points:
    """Yields the largest changes of a pixel, in steps of 1/255, and accuracies in percent."""
    samples = read_samples(run.row.trainings[-1].load(), args.count)
    strengths: Sequence[float] = sorted({0, *args.eps})
    classifier = PixelClassifier(load(run, args.device))
    found = measure_robustness(classifier, samples, dict(pgd=strengths))['pgd']
    yield from zip((255 * eps for eps in strengths), found, strict=True)


if __name__ == '__main__':
    main()
