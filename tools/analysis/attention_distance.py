#!/usr/bin/env python
"""Plots how far the attention of each layer reaches: the average attention distance
in pixels, of one or more networks in one picture.

    python tools/analysis/attention_distance.py CONFIG CHECKPOINT \
        [--compare CONFIG CHECKPOINT ...] --out distances.png [--json distances.json]

The distance of a query is its distance to the keys, weighted by attention. A line
shows the mean over queries, images and heads; dots show the heads. Pixels are those
of the network's input. Class tokens and the padding of windows are left out. For a
Performer, the weights are those of its kernel.
"""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from mmengine.model import BaseModel
from rich.progress import track
from torch import nn

from vitae_mm.analysis.attention_distance import measure_distances
from vitae_mm.analysis.attention_weights import attention_layers
from vitae_mm.analysis.loading import (
    choose,
    dataset_readers,
    find_images,
    image_reader,
    load_models,
    network_input,
)
from vitae_mm.engine.cli import (
    add_models_arguments,
    check_plot_path,
    name_models,
    reports_input_errors,
    tool_parser,
)
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically, write_text


@reports_input_errors
def main() -> None:
    args = parse_args()
    check_plot_path(args.out)
    if args.count < 1:
        raise InputError(f'--count {args.count}: give a whole number, 1 or more.')
    models = load_models(args)
    layers = choose_layers(models, args.layers)
    results = {}
    for label, (config, checkpoint) in name_models(args).items():
        model = models[label]
        if args.images and model.cfg.default_scope == 'mmpose':
            raise InputError(
                f'--images {args.images}: pose estimators need boxes, which a folder of images '
                "does not have; leave it out to use the config's test set."
            )
        if args.images:
            read = image_reader(model)
            readers = [partial(read, path) for path in find_images(args.images)]
        else:
            readers = dataset_readers(model.cfg)
        chosen = track(choose(readers, args.count, args.seed), description='measuring')
        images = (network_input(model, read()) for read in chosen)
        measured = measure_distances(model, layers[label], images)
        results[label] = dict(config=config, checkpoint=checkpoint, **measured)
    if args.json:
        write_text(args.json, json.dumps(results, indent=2))
    figure = draw(results)
    write_atomically(args.out, lambda path: figure.savefig(path, dpi=200))
    print(f'written: {", ".join(str(path) for path in (args.out, args.json) if path)}')


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    add_models_arguments(parser)
    option = parser.add_argument
    images = "images, also in subfolders; default: each config's test set"
    option('--images', type=Path, metavar='FOLDER', help=images)
    option('--count', type=int, default=128, help='number of images, at most; default: 128')
    option('--seed', type=int, default=0, help='selects the images; default: 0')
    layers = 'layers of the backbones; default: all that have attention'
    option('--layers', nargs='+', metavar='NAME', help=layers)
    option('--out', type=Path, required=True, help='picture to write')
    option('--json', type=Path, help='write the results to this file')
    return parser.parse_args()


def choose_layers(
    models: Mapping[str, BaseModel], names: Sequence[str] | None
) -> dict[str, dict[str, nn.Module]]:
    """Returns the attention layers of each backbone by label, limited to ``names`` if given, each
    of which must be a layer of one of the models."""
    known = {label: attention_layers(model.backbone) for label, model in models.items()}
    if not names:
        return known
    unknown = set(names).difference(*known.values())
    chosen = {}
    for label, layers in known.items():
        chosen[label] = {name: layer for name, layer in layers.items() if name in names}
        if unknown or not chosen[label]:
            raise InputError(
                f'--layers {", ".join(sorted(unknown or names))}: not an attention layer of '
                f'{label}; choose from {", ".join(layers)}.'
            )
    return chosen


def draw(results: Mapping[str, Mapping]) -> Figure:
    """Plots distance over depth, with a line for each network."""
    with matplotlib.rc_context({'font.size': 8}):
        height = 2.6 + 0.16 * math.ceil(len(results) / 2)  # a row of the legend has two names
        figure = Figure(figsize=(3.4, height), layout='constrained')
        panel = figure.subplots()
        for label, result in results.items():
            layers = dict(enumerate(result['layers'], start=1))
            means = [layer['mean'] for layer in layers.values()]
            (line,) = panel.plot(list(layers), means, marker='o', markersize=3, label=label)
            depths = [depth for depth, layer in layers.items() for _ in layer['heads']]
            heads = [head for layer in layers.values() for head in layer['heads']]
            panel.scatter(depths, heads, s=8, alpha=0.4, linewidths=0, color=line.get_color())
        panel.set(xlabel='attention layer', ylabel='average attention distance (pixels)')
        panel.set_ylim(0, 1.1 * panel.get_ylim()[1])
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.grid(alpha=0.3)
        figure.legend(loc='outside lower center', ncols=2, fontsize=6)
    return figure


if __name__ == '__main__':
    main()
