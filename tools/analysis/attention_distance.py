#!/usr/bin/env python
"""How far the attention of each layer reaches: the average attention distance,
in pixels, of one network or of several in one picture.

    python tools/analysis/attention_distance.py CONFIG CHECKPOINT \
        [--compare CONFIG CHECKPOINT ...] --out distances.png [--json distances.json]

For each query it is the distance of its cell to those of the keys, weighted by
attention; a line shows the mean over queries, images and heads, dots are heads.
Pixels are those of the image as the network takes it. Class tokens and the
padding of windows are left out. What a Performer never writes out is computed:
the weights of its kernel.
"""

import argparse
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import matplotlib
import torch
from rich.progress import track
from torch import nn

from vitae_mm.analysis.attention_distance import measure_distances
from vitae_mm.analysis.attention_weights import attention_layers
from vitae_mm.analysis.inputs import network_input, open_images
from vitae_mm.analysis.seeding import choose
from vitae_mm.engine.cli import (
    add_models_arguments,
    check_device,
    check_picture,
    name_models,
    reports_input_errors,
)
from vitae_mm.engine.config import load_config
from vitae_mm.engine.models import load_model, prepare_config
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically, write_text

matplotlib.use('Agg')
from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_models_arguments(parser)
    parser.add_argument(
        '--images',
        type=Path,
        metavar='FOLDER',
        help="searched with the folders below; default: each config's test set",
    )
    parser.add_argument(
        '--count',
        type=int,
        default=128,
        help='of images, all if there are not so many; default: 128',
    )
    parser.add_argument('--seed', type=int, default=0, help='another seed chooses other images')
    parser.add_argument(
        '--layers',
        nargs='+',
        metavar='NAME',
        help='layers of the backbones; default: all that have attention',
    )
    parser.add_argument('--out', type=Path, required=True, help='picture to write')
    parser.add_argument('--json', type=Path, help='file to write the figures to')
    return parser.parse_args()


@reports_input_errors
def main() -> None:
    args = parse_args()
    runs = name_models(args)
    check_picture(args.out)
    if args.count < 1:
        raise InputError(f'--count {args.count}: give a whole number, 1 or more.')
    check_device(args.device)
    configs, models = {}, {}
    for label, (config, checkpoint) in runs.items():
        configs[label] = load_config(config, args.cfg_options)
        prepare_config(configs[label])
        models[label] = load_model(configs[label], checkpoint, args.device, args.trust)
    layers = choose_layers(models, args.layers)
    results = {}
    for label, (config, checkpoint) in runs.items():
        items = open_images(configs[label], args.images)
        results[label] = dict(
            config=config,
            checkpoint=checkpoint,
            **measure(models[label], layers[label], items, args.count, args.seed),
        )
    if args.json:
        text = json.dumps(results, indent=2)
        write_text(args.json, text)
    figure = draw(results)
    write_atomically(args.out, lambda path: figure.savefig(path, dpi=200))
    print(f'written: {", ".join(str(path) for path in (args.out, args.json) if path)}')


def choose_layers(
    models: Mapping[str, nn.Module], names: Sequence[str] | None
) -> dict[str, dict[str, nn.Module]]:
    """By label the layers of each model's backbone that have attention; with
    ``names``, which may be of one model or of several, those of them."""
    known = {label: attention_layers(model.backbone) for label, model in models.items()}
    if not names:
        return known
    unknown = set(names).difference(*known.values())
    chosen = {
        label: {name: layer for name, layer in layers.items() if name in names}
        for label, layers in known.items()
    }
    for label, layers in known.items():
        if unknown or not chosen[label]:
            raise InputError(
                f'--layers {", ".join(sorted(unknown or names))}: no attention of '
                f'{label}, which has {", ".join(layers)}.'
            )
    return chosen


def measure(
    model: nn.Module, layers: Mapping[str, nn.Module], items: Sequence, count: int, seed: int
) -> dict:
    """What the JSON file says of a network: how many images it saw, their
    heights and widths, and the distances of each layer in pixels."""
    chosen = choose(len(items), count, seed)
    sizes = set()

    def images() -> Iterator[torch.Tensor]:
        for index in track(chosen, description='measuring'):
            image = network_input(model, items[index])
            sizes.add(tuple(image.shape[2:]))
            yield image

    distances = measure_distances(model, layers, images())
    return dict(
        images=len(chosen),
        input_sizes=sorted(sizes),
        layers=[
            dict(name=layer.name, stride=layer.stride, mean=layer.mean, heads=layer.heads)
            for layer in distances
        ],
    )


def draw(results: Mapping[str, Mapping]) -> plt.Figure:
    """Distance over depth, a line for each network."""
    with plt.rc_context({'font.size': 8}):
        height = 2.6 + 0.16 * math.ceil(len(results) / 2)  # a row of the legend has two names
        figure, panel = plt.subplots(figsize=(3.4, height), layout='constrained')
        for label, result in results.items():
            layers = result['layers']
            depths = range(1, len(layers) + 1)
            (line,) = panel.plot(
                depths, [layer['mean'] for layer in layers], marker='o', markersize=3, label=label
            )
            dots = [
                (depth, head) for depth, layer in zip(depths, layers) for head in layer['heads']
            ]
            panel.scatter(*zip(*dots), s=8, alpha=0.4, linewidths=0, color=line.get_color())
        panel.set(xlabel='attention layer', ylabel='average attention distance (pixels)')
        panel.set_ylim(0, 1.1 * panel.get_ylim()[1])
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.grid(alpha=0.3)
        figure.legend(loc='outside lower center', ncols=2, fontsize=6)
    return figure


if __name__ == '__main__':
    main()
