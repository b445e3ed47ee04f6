#!/usr/bin/env python
"""Compares time and memory of a step of several networks in one run.

    python tools/benchmark.py
    python tools/benchmark.py configs/cls/vitaev2_s_300e_in1k.py timm:convnext_tiny \\
        --size 224 448 --forms eager fused+compiled
    python tools/benchmark.py configs/cls/vitae_b_300e_in1k.py \\
        configs/ssl/mae_vitae_b_1600e_in1k.py --mode step --dtype bfloat16
    python tools/benchmark.py configs/cls/vitaev2_s_300e_in1k.py --mode step --processes 8
    python tools/benchmark.py --preset gpu --json gpu.json --plot gpu.png

Each network is measured in all --forms, or in the forms after an @, as in
CONFIG@eager,fused. Steps of the networks alternate, so that a busy machine slows
down all of them. They also alternate with a product of large matrices: "roofline"
is the time that the network's multiply-adds would take at the rate of this
product, as a fraction of the step's time. Ratios are medians over the rounds.
Only the backbone is measured for models other than classifiers and masked
autoencoders. "Memory" is the peak of a step without what is "held" between steps:
weights and optimizer states. A network that fails has a row with the reason, and
the others go on; the exit status is then 1, unless only memory was insufficient.

Mode "train" is forward, loss and backward, and "step" a whole step of AdamW, with
loss scaling for float16 on a GPU. In the fused form, for inference, batch norms are
folded into convs. Dtypes other than float32 use autocast.

With --processes, networks are trained with DDP, one after another, by processes that
have --batch images each. "Efficiency" is the time of a step of one process alone, with
the same number of threads, as a fraction of the time of a step with all.

Presets are ViTAEv2's Table 8 (kinds of attention) and Table 10 (transformers, at 224,
448 and 896), and "gpu": inference, training and pretraining in less than ten minutes.
Options replace those of a preset.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from vitae_mm.benchmark.bars import draw_bars
from vitae_mm.benchmark.cases import DTYPES, FORMS, MODES, Setting, check_options
from vitae_mm.benchmark.comparison import Comparison, compare
from vitae_mm.benchmark.growth import draw_growth
from vitae_mm.benchmark.measure import use_device
from vitae_mm.benchmark.networks import Source, check_source
from vitae_mm.benchmark.presets import OURS, PRESETS, ROOT, SWIN, Section
from vitae_mm.benchmark.reasons import lacks_memory, shorten
from vitae_mm.engine.cli import (
    add_device_argument,
    check_device,
    check_plot_path,
    reports_input_errors,
    tool_parser,
)
from vitae_mm.engine.distributed import check_gpus
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically, write_text

DEFAULTS = dict(mode=['forward'], size=['224'], batch=[8], dtype=['float32'], forms=['eager'])

MAX_RATIOS = 6
"""Maximum number of networks to show ratios to; more do not fit the width of a page."""

PAGE_WIDTH = 160
"""Width of tables in files and pipes, in characters."""


@reports_input_errors
def main() -> None:
    # the plain networks are among the tests; other packages have a folder of this name
    sys.path.insert(0, str(ROOT))
    args = parse_args()
    check_device(args.device)
    device = torch.empty(0, device=args.device).device  # with its index
    comparisons = plan(args, device)
    use_device(device)
    options = dict(
        device=args.device,
        name=torch.cuda.get_device_name(device) if device.type == 'cuda' else None,
        threads=torch.get_num_threads(),
        rounds=args.rounds,
        torch=torch.__version__,
    )
    results: list[dict] = []
    for comparison in comparisons:
        result = compare(
            comparison, device, rounds=args.rounds, warm_up=args.warm_up, processes=args.processes
        )
        print_table(result)
        results.append(result)
        # each time, as a broken GPU or a time limit can end the run
        if args.json:
            write_text(args.json, json.dumps(dict(options=options, results=results), indent=2))
        if args.plot:
            write_plot(args.plot, results)
    rows = [row for result in results for row in result['networks'].values()]
    failed = [row for row in rows if 'error' in row and not lacks_memory(row['error'])]
    if failed:
        raise InputError(
            f'{len(failed)} of {len(rows)} rows could not be measured: the tables show why, in '
            'full in the file of --json.'
        )


def write_plot(path: Path, results: list[dict]) -> None:
    sizes = {result['size'] for result in results}
    networks = {tuple(result['networks']) for result in results}
    figure = (draw_growth if len(networks) == 1 < len(sizes) else draw_bars)(results)
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150))


def print_table(result: Mapping) -> None:
    shown = ['mode', 'size', 'batch', 'dtype'] + ['processes'] * (result['processes'] > 1)
    setting = ', '.join(f'{key} {result[key]}' for key in shown)
    rows = result['networks']
    table = Table('', 'network', title=': '.join(filter(None, [result['title'], setting])))
    numbers = {name: i for i, name in enumerate(rows, start=1)}
    others = [name for name, row in rows.items() if 'error' not in row][:MAX_RATIOS]
    share = 'efficiency' if result['processes'] > 1 else 'roofline'
    # two lines, so that a page has room for the names
    ratios = [f'time\nto {numbers[name]}' for name in others]
    for column in ['ms', 'spread', 'images/s', share, 'memory\n(MiB)', 'held\n(MiB)', *ratios]:
        table.add_column(column, justify='right')
    for name, row in rows.items():
        if 'error' in row:
            table.add_row(str(numbers[name]), f'{name}\n{shorten(row["error"])}', '-')
            continue
        table.add_row(
            str(numbers[name]),
            name,
            f'{1e3 * row["median"]:.1f}',
            f'{row["spread"]:.0%}',
            f'{row["images_per_second"]:.2f}',
            '-' if row[share] is None else f'{row[share]:.2f}',
            f'{row["peak_bytes"] / 2**20:.0f}',
            f'{row["held_bytes"] / 2**20:.0f}',
            *[f'{row["ratios"][other]:.2f}' for other in others],
        )
    console = Console()
    (console if console.is_terminal else Console(width=PAGE_WIDTH)).print(table)


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    option = parser.add_argument
    option(
        'networks',
        nargs='*',
        metavar='NETWORK',
        help='config file of any task, PACKAGE::FILE for a config of an installed codebase, or '
        'timm:NAME; append @FORM,... to set its forms; default: ViTAEv2-S and Swin-T',
    )
    option('--preset', choices=PRESETS, help='networks and settings to compare; see above')
    for name in ('table8', 'table10'):
        text = f'the same as --preset {name}'
        option(f'--{name}', action='store_const', dest='preset', const=name, help=text)
    option('--mode', nargs='+', choices=MODES, help='default: forward')
    option('--forms', nargs='+', choices=FORMS, help='default: eager')
    option('--size', nargs='+', help='side in pixels, or HEIGHTxWIDTH; default: 224')
    option('--batch', nargs='+', type=int, help='images per step and process; default: 8')
    option('--dtype', nargs='+', choices=DTYPES, help='default: float32')
    add_device_argument(parser)
    option('--processes', type=int, default=1, help='processes that train with DDP; default: 1')
    option('--rounds', type=int, default=10, help='timed steps of each network; default: 10')
    option('--warm-up', type=int, default=3, help='untimed steps before them; default: 3')
    option('--json', type=Path, help='write the results to this file')
    option(
        '--plot',
        type=Path,
        help='plot to this file: time and memory over image size or, with one size, in relation to '
        'the first network',
    )
    args = parser.parse_args()
    if args.plot:
        check_plot_path(args.plot)
    for name, value, least in [
        ('batch', min(args.batch or [1]), 1),
        ('processes', args.processes, 1),
        ('rounds', args.rounds, 2),
        ('warm-up', args.warm_up, 0),
    ]:
        if value < least:
            raise InputError(f'--{name} {value}: give a whole number, {least} or more.')
    return args


def plan(args: argparse.Namespace, device: torch.device) -> list[Comparison]:
    """Returns the tables, after checking all that can be checked before anything is measured."""
    sections = choose_sections(args)
    if args.preset == 'gpu' and device.type == 'cpu' and not args.batch:
        raise InputError(
            '--preset gpu on a CPU would take hours: use a machine with a GPU, or give smaller '
            'steps, as in --batch 1 --dtype float32.'
        )
    comparisons: list[Comparison] = []
    for section in sections:
        given = {name: value for name in DEFAULTS if (value := getattr(args, name))}
        options = {**DEFAULTS, **section.options, **given}
        cases = [
            (source, form)
            for source in section.sources
            for form in section.forms.get(source.name) or options['forms']
        ]
        for mode, size, batch, dtype in product(
            *(options[name] for name in ('mode', 'size', 'batch', 'dtype'))
        ):
            setting = Setting(mode, parse_size(size), batch, dtype)
            for _, form in cases:
                check_options(form, setting, device)
            comparison = Comparison(section.title, setting, cases)
            # given options can make sections equal
            comparisons += [comparison] if comparison not in comparisons else []
    if args.processes > 1:
        check_processes(args, comparisons, device)
    return comparisons


def check_processes(
    args: argparse.Namespace, comparisons: list[Comparison], device: torch.device
) -> None:
    """Raises InputError if several processes cannot measure the tables."""
    if any(comparison.setting.mode == 'forward' for comparison in comparisons):
        raise InputError(
            f'--processes {args.processes} --mode forward: only training uses several processes; '
            'give --mode train or step.'
        )
    if device.type == 'cuda':
        check_gpus(args.processes, torch.cuda.device_count())
        if ':' in args.device:
            raise InputError(
                f'--processes {args.processes} --device {args.device}: each process has a GPU of '
                'its own; give --device cuda.'
            )


def parse_size(text: str) -> tuple[int, int]:
    """Returns height and width of '224' or '800x1333'."""
    sides = [int(side) if side.isdecimal() else 0 for side in text.split('x')]
    if min(sides) < 1 or len(sides) > 2:
        raise InputError(
            f'--size {text}: give a side in pixels, as in 224, or height and width, as in 800x1333.'
        )
    return sides[0], sides[-1]


def choose_sections(args: argparse.Namespace) -> list[Section]:
    """Returns the sections of the preset, or one with the given networks."""
    if args.preset and args.networks:
        raise InputError(
            f'{args.networks} with --preset {args.preset}: give networks or a preset, not both.'
        )
    if args.preset:
        sections = PRESETS[args.preset]
        return [replace(one, forms={}) if args.forms else one for one in sections]
    if not args.networks:
        return [Section('', [OURS, SWIN])]
    forms = dict(map(split_forms, args.networks))
    if len(forms) < len(args.networks):
        raise InputError(f'{args.networks}: give each network once.')
    unique = len({Path(spec).stem for spec in forms}) == len(forms)
    sources = [Source(Path(spec).stem if unique else spec, spec) for spec in forms]
    for spec in forms:
        check_source(spec)
    return [Section('', sources, {source.name: forms[source.spec] for source in sources})]


def split_forms(network: str) -> tuple[str, list[str]]:
    """Splits 'SPEC@FORM,FORM' into the spec and the forms, which may be missing."""
    spec, mark, text = network.rpartition('@')
    if not mark or '/' in text:  # an @ before a slash belongs to a folder
        return network, []
    forms = text.split(',')
    wrong = [form for i, form in enumerate(forms) if form not in FORMS or form in forms[:i]]
    if wrong:
        raise InputError(
            f'{network}: form {wrong[0]!r} is unknown or given twice; choose from '
            f'{", ".join(FORMS)}.'
        )
    return spec, forms


if __name__ == '__main__':
    main()
