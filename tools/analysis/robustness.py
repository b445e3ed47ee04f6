#!/usr/bin/env python
"""How robust classifiers are: accuracy against the strength of attacks and of
corruptions of the test images, of several checkpoints in one picture.

    python tools/analysis/robustness.py CONFIG CHECKPOINT [--compare CONFIG CHECKPOINT ...] \
        --out DIR [--attack pgd --eps 1/255 8/255 --steps 20 --restarts 5] \
        [--corruptions noise jpeg]

An attack changes every pixel by eps at most, in its range from 0 to 1 (l_inf),
and knows the network. FGSM is one step, PGD several from random starts; an
image counts as right if it is so without attack and from every start. How
corruptions are scaled, vitae_mm/analysis/corruptions.py says.

All models see the same images, chosen by the seed. DIR gets attacks.png,
corruptions.png, and robustness.json with all options and figures.
"""

import argparse
import json
import math
from dataclasses import asdict
from functools import partial
from itertools import cycle
from pathlib import Path

import matplotlib
import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from vitae_mm.analysis.accuracy import PixelClassifier, load_classifier
from vitae_mm.analysis.attacks import ATTACKS, parse_eps, require_torchattacks
from vitae_mm.analysis.corruptions import CORRUPTIONS
from vitae_mm.analysis.robustness import Plan, measure_robustness
from vitae_mm.analysis.samples import Samples, read_samples
from vitae_mm.engine.cli import (
    add_models_arguments,
    check_device,
    name_models,
    reports_input_errors,
)
from vitae_mm.engine.config import load_config
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically

matplotlib.use('Agg')
from matplotlib import pyplot as plt

EPS = ['1/255', '2/255', '4/255', '8/255']
COLUMNS = 3
"""Panels side by side in a picture."""

TITLES = dict(fgsm='FGSM', pgd='PGD', jpeg='JPEG')

Curve = tuple[list[float], dict[str, list[float]]]
"""Strengths, and accuracies in percent by model."""


@reports_input_errors
def main() -> None:
    args = parse_args()
    plan = make_plan(args)
    if args.count < 1:
        raise InputError(f'--count {args.count}: give a whole number, 1 or more.')
    if args.out.exists() and not args.out.is_dir():
        raise InputError(f'--out {args.out} is no folder: give one to write into.')
    check_device(args.device)
    runs = name_models(args)
    # all are read first: an error in the last one shows before the first is measured
    models = read_models(runs, args)
    with Progress() as progress:
        accuracy = {
            label: measure_robustness(
                classifier, samples, plan, partial(progress.track, description=label)
            )
            for label, (classifier, samples) in models.items()
        }
    count = len(next(iter(models.values()))[1])
    report = dict(
        asdict(plan),
        images=count,
        strengths=plan.strengths,
        models={
            label: dict(config=config, checkpoint=checkpoint, accuracy=accuracy[label])
            for label, (config, checkpoint) in runs.items()
        },
    )
    write_atomically(
        args.out / 'robustness.json', lambda path: path.write_text(json.dumps(report, indent=1))
    )
    parts = dict(
        attacks=(plan.attacks, 255, 'largest change of a pixel, 1/255'),
        corruptions=(plan.corruptions, 1, 'strength'),
    )
    for part, (names, scale, axis) in parts.items():
        if names:
            curves = {
                name: (
                    [scale * strength for strength in plan.strengths[name]],
                    {label: accuracy[label][name] for label in runs},
                )
                for name in names
            }
            Console().print(tabulate(curves, f'Accuracy (%) on {count} images, by {axis}'))
            figure = draw(curves, axis)
            write_atomically(args.out / f'{part}.png', lambda path: figure.savefig(path, dpi=150))
    print(f'written to {args.out}')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_models_arguments(parser)
    parser.add_argument(
        '--attack',
        nargs='*',
        choices=ATTACKS,
        default=list(ATTACKS),
        help='default: both; without a name: none',
    )
    parser.add_argument(
        '--eps',
        nargs='+',
        default=EPS,
        help=f'largest changes of a pixel in [0, 1]; default: {" ".join(EPS)}',
    )
    parser.add_argument('--steps', type=int, default=10, help='of PGD; default: 10')
    parser.add_argument(
        '--restarts',
        type=int,
        default=1,
        help='random starts of PGD, of which the worst counts; default: 1',
    )
    parser.add_argument(
        '--corruptions',
        nargs='*',
        choices=list(CORRUPTIONS),
        default=list(CORRUPTIONS),
        help='default: all; without a name: none',
    )
    parser.add_argument(
        '--count', type=int, default=1000, help='test images, all if there are fewer; default: 1000'
    )
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='of the choice of images, the random starts and the noise; default: 0',
    )
    parser.add_argument(
        '--batch',
        type=int,
        default=50,
        help='images that go through the network at once; default: 50',
    )
    parser.add_argument('--out', type=Path, required=True, help='folder to write into')
    return parser.parse_args()


def make_plan(args: argparse.Namespace) -> Plan:
    """Each attack, eps and corruption once."""
    if args.attack:
        require_torchattacks()
    eps = sorted(set(map(parse_eps, args.eps)) - {0})
    return Plan(
        tuple(dict.fromkeys(args.attack)),
        tuple(eps),
        tuple(dict.fromkeys(args.corruptions)),
        args.steps,
        args.restarts,
        args.seed,
        args.batch,
    )


def read_models(
    runs: dict[str, tuple[str, str]], args: argparse.Namespace
) -> dict[str, tuple[PixelClassifier, Samples]]:
    """Classifiers by label, with the images that they are tested on: the same
    ones, each after its own pipeline."""
    models = {}
    for label, (config, checkpoint) in runs.items():
        cfg = load_config(config, args.cfg_options)
        classifier = load_classifier(cfg, checkpoint, args.device, args.trust)
        samples = read_samples(cfg, args.count, args.seed)
        for other, (_, theirs) in models.items():
            if not torch.equal(samples.labels, theirs.labels):
                raise InputError(
                    f'{label} and {other} have different test sets: compare models '
                    'that are tested on the same images.'
                )
        models[label] = classifier, samples
    return models


def tabulate(curves: dict[str, Curve], title: str) -> Table:
    """A row for each curve and model; all curves have the same strengths."""
    table = Table('', title=title)
    table.add_column('model', overflow='fold')
    for strength in next(iter(curves.values()))[0]:
        table.add_column(f'{strength:.3g}', justify='right')
    for name, (_, lines) in curves.items():
        table.add_section()
        for label, accuracies in lines.items():
            table.add_row(name, label, *(f'{accuracy:.1f}' for accuracy in accuracies))
    return table


def draw(curves: dict[str, Curve], axis: str) -> plt.Figure:
    """A panel for each curve, a line for each model."""
    columns = min(len(curves), COLUMNS)
    rows = math.ceil(len(curves) / columns)
    models = next(iter(curves.values()))[1]
    legend_height = 0.22 * math.ceil(len(models) / columns)
    figure, panels = plt.subplots(
        rows,
        columns,
        squeeze=False,
        sharey=True,
        layout='constrained',
        figsize=(3.4 * columns, 2.7 * rows + legend_height),
    )
    for panel in panels.flat[len(curves) :]:
        panel.remove()
    for panel, (name, (strengths, lines)) in zip(panels.flat, curves.items()):
        for (label, accuracies), marker in zip(lines.items(), cycle('osD^vP')):
            panel.plot(strengths, accuracies, marker=marker, markersize=4, label=label)
        panel.set(title=TITLES.get(name, name), xlabel=axis, ylim=(0, 100))
        panel.grid(alpha=0.3)
    for panel in panels[:, 0]:
        panel.set_ylabel('accuracy (%)')
    figure.legend(panels[0, 0].lines, models, loc='outside lower center', ncols=columns)
    return figure


if __name__ == '__main__':
    main()
