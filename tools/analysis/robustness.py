#!/usr/bin/env python
"""Measures the robustness of classifiers: accuracy by strength of attacks and of
corruptions of the test images, for one or more checkpoints.

    python tools/analysis/robustness.py CONFIG CHECKPOINT [--compare CONFIG CHECKPOINT ...] \
        --out DIR [--attack pgd --eps 1/255 8/255 --steps 20 --restarts 5] \
        [--corruptions noise jpeg]

An attack knows the network and changes every pixel, whose range is 0 to 1, by at
most eps (l_inf). FGSM takes one step, PGD several from random starts. An image
counts as correct if it is classified correctly without an attack and from every
start. The strengths of the corruptions are listed in
vitae_mm/analysis/corruptions.py.

All models see the same images, selected with the seed. The tool writes attacks.png,
corruptions.png, and robustness.json with all options and results to DIR.
"""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path

import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from vitae_mm.analysis.attacks import ATTACKS, parse_all_eps, require_torchattacks
from vitae_mm.analysis.classifiers import PixelClassifier, read_samples
from vitae_mm.analysis.corruptions import CORRUPTIONS, STRENGTHS
from vitae_mm.analysis.loading import load_models
from vitae_mm.analysis.robustness import measure_robustness
from vitae_mm.datasets.stratified_subset import MAX_SEED
from vitae_mm.engine.cli import add_models_arguments, name_models, reports_input_errors, tool_parser
from vitae_mm.engine.config import load_config
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically, write_text

EPS = ['1/255', '2/255', '4/255', '8/255']
COLUMNS = 3
"""Maximum number of panels side by side."""

TITLES = dict(fgsm='FGSM', pgd='PGD', jpeg='JPEG')

Curves = Mapping[str, Mapping[str, Sequence[float]]]
"""Accuracies in percent, by attack or corruption and by model."""


@reports_input_errors
def main() -> None:
    args = parse_args()
    models = load_models(args)
    runs = name_models(args)
    classifiers = {label: PixelClassifier(model) for label, model in models.items()}
    # read all images before measuring, so that errors are reported early
    samples = {
        label: read_samples(load_config(config, args.cfg_options), args.count, args.seed)
        for label, (config, _) in runs.items()
    }
    first, *others = runs
    for label in others:
        if not torch.equal(samples[label].labels, samples[first].labels):
            raise InputError(
                f'{label} and {first} have different test sets: compare models with the same test '
                'images.'
            )
    options = {name: getattr(args, name) for name in ('steps', 'restarts', 'seed', 'batch')}
    strengths = dict.fromkeys(args.attacks, (0, *args.eps))
    strengths |= dict.fromkeys(args.corruptions, (0, *STRENGTHS))
    accuracy = {}
    with Progress() as progress:
        for label, classifier in classifiers.items():
            bar = partial(progress.track, description=label)
            accuracy[label] = measure_robustness(
                classifier, samples[label], strengths, **options, track=bar
            )
    count = len(samples[first].labels)
    report = dict(
        **options,
        attacks=args.attacks,
        eps=args.eps,
        corruptions=args.corruptions,
        images=count,
        strengths=strengths,
        models={
            label: dict(config=config, checkpoint=checkpoint, accuracy=accuracy[label])
            for label, (config, checkpoint) in runs.items()
        },
    )
    write_text(args.out / 'robustness.json', json.dumps(report, indent=1))
    change, sizes = 'largest change of a pixel, 1/255', [255 * eps for eps in (0, *args.eps)]
    for part, names, values, axis in (
        ('attacks', args.attacks, sizes, change),
        ('corruptions', args.corruptions, [0, *STRENGTHS], 'strength'),
    ):
        if names:
            curves = {name: {label: accuracy[label][name] for label in runs} for name in names}
            title = f'Accuracy (%) on {count} images, by {axis}'
            Console().print(tabulate(curves, values, title))
            figure = draw(curves, values, axis)
            write_atomically(args.out / f'{part}.png', partial(figure.savefig, dpi=150))
    print(f'written to {args.out}')


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    add_models_arguments(parser)
    option = parser.add_argument
    names = partial(option, nargs='*', help='default: all; no name: none')
    names('--attack', dest='attacks', choices=ATTACKS, default=ATTACKS)
    names('--corruptions', choices=list(CORRUPTIONS), default=list(CORRUPTIONS))
    eps = f'largest changes of a pixel in [0, 1]; default: {" ".join(EPS)}'
    option('--eps', nargs='+', default=EPS, help=eps)
    option('--steps', type=int, default=10, help='steps of PGD; default: 10')
    option('--restarts', type=int, default=1, help='random starts of PGD; default: 1')
    option('--count', type=int, default=1000, help='number of images, at most; default: 1000')
    option('--seed', type=int, default=0, help='seed of images, starts and noise; default: 0')
    option('--batch', type=int, default=50, help='images per forward pass; default: 50')
    option('--out', type=Path, required=True, help='folder to write into')
    args = parser.parse_args()
    args.attacks = list(dict.fromkeys(args.attacks))  # without duplicates
    args.corruptions = list(dict.fromkeys(args.corruptions))
    if args.attacks:
        require_torchattacks()
    args.eps = parse_all_eps(args.eps, needed=bool(args.attacks))
    for name in ('steps', 'restarts', 'batch', 'count'):
        if getattr(args, name) < 1:
            raise InputError(f'--{name} {getattr(args, name)}: give a whole number, 1 or more.')
    if not 0 <= args.seed <= MAX_SEED:
        raise InputError(f'--seed {args.seed}: give a whole number from 0 to {MAX_SEED}.')
    if not args.attacks and not args.corruptions:
        raise InputError(
            'neither attacks nor corruptions are selected: give names to --attack or --corruptions.'
        )
    if args.out.exists() and not args.out.is_dir():
        raise InputError(f'--out {args.out} is not a folder: give one to write into.')
    return args


def tabulate(curves: Curves, strengths: Sequence[float], title: str) -> Table:
    """Returns a table with a row for each curve and model."""
    table = Table('', title=title)
    table.add_column('model', overflow='fold')
    for strength in strengths:
        table.add_column(f'{strength:.3g}', justify='right')
    for name, lines in curves.items():
        table.add_section()
        for label, accuracies in lines.items():
            table.add_row(name, label, *(f'{accuracy:.1f}' for accuracy in accuracies))
    return table


def draw(curves: Curves, strengths: Sequence[float], axis: str) -> Figure:
    """Plots a panel for each attack or corruption, with a line for each model."""
    columns = min(len(curves), COLUMNS)
    rows = math.ceil(len(curves) / columns)
    models = next(iter(curves.values()))
    height = 2.7 * rows + 0.22 * math.ceil(len(models) / columns)  # of panels and legend
    figure = Figure(figsize=(3.4 * columns, height), layout='constrained')
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for panel in panels.flat[len(curves) :]:
        panel.remove()
    for panel, (name, lines) in zip(panels.flat, curves.items(), strict=False):
        for (label, accuracies), marker in zip(lines.items(), cycle('osD^vP'), strict=False):
            panel.plot(strengths, accuracies, marker=marker, markersize=4, label=label)
        panel.set(title=TITLES.get(name, name), xlabel=axis, ylim=(0, 100))
        panel.grid(alpha=0.3)
    for panel in panels[:, 0]:
        panel.set_ylabel('accuracy (%)')
    figure.legend(panels[0, 0].lines, models, loc='outside lower center', ncols=columns)
    return figure


if __name__ == '__main__':
    main()
