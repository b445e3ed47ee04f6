#!/usr/bin/env python
"""Compares time and memory of a step of several networks in one run.

    python tools/benchmark.py
    python tools/benchmark.py configs/cls/vitaev2_s_300e_in1k.py timm:convnext_tiny \\
        --size 224 448 --forms eager fused+compiled
    python tools/benchmark.py configs/cls/vitae_b_300e_in1k.py \\
        configs/ssl/mae_vitae_b_1600e_in1k.py --mode train
    python tools/benchmark.py --table10

Each network is measured in all --forms, or in the forms after an @, as in
CONFIG@eager,fused. Steps of the networks alternate, so that a busy machine slows
down all of them. They also alternate with a product of large matrices: "roofline"
is the time that the network's multiply-adds would take at the rate of this
product, as a fraction of the step's time. Ratios are medians over the rounds.
Only the backbone is measured for models other than classifiers and masked
autoencoders. Memory excludes weights.

Mode "train" is forward, loss and backward. In the fused form, for inference, batch
norms are folded into convs. Dtypes other than float32 use autocast. --table10
measures at 224, 448 and 896.
"""

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from vitae_mm.benchmark.cases import DTYPES, FORMS, MODES, Case, build_case, matmul_case
from vitae_mm.benchmark.growth import draw_growth
from vitae_mm.benchmark.measure import bounded_memory, measure, peak_bytes, spread, time_ratio
from vitae_mm.benchmark.networks import load_network
from vitae_mm.benchmark.presets import TABLE_8, TABLE_10, TABLE_10_SIZES, Spec
from vitae_mm.engine.cli import (
    add_device_argument,
    check_device,
    check_plot_path,
    reports_input_errors,
    tool_parser,
)
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically, write_text

DEFAULT = {name: TABLE_10[name] for name in ('ViTAEv2-S', 'Swin-T')}

MAX_RATIOS = 6
"""Maximum number of networks to show ratios to; more do not fit the width of a page."""

PAGE_WIDTH = 160
"""Width of tables in files and pipes, in characters."""


@reports_input_errors
def main() -> None:
    args = parse_args()
    check_device(args.device)
    device = torch.empty(0, device=args.device).device  # with its index
    if device.type == 'cuda':
        torch.cuda.set_device(device)
    results = []
    for mode, size, batch, dtype in product(args.mode, args.size, args.batch, args.dtype):
        # otherwise a second size would be compiled with dynamic shapes
        torch.compiler.reset()
        setting = dict(mode=mode, size='x'.join(map(str, size)), batch=batch, dtype=dtype)
        images = torch.randn(batch, 3, *size, device=device)
        cases = [
            build_case(load_network(spec, name, changes), images, form=form, mode=mode, dtype=dtype)
            for name, (spec, changes), form in args.cases
        ]
        matmul = matmul_case(device, dtype)
        with bounded_memory(device):
            times = measure([matmul, *cases], args.rounds, args.warm_up)
            rows = {case.name: make_row(case, times, matmul, images=images) for case in cases}
        results.append(setting | dict(networks=rows))
        print_table(setting, rows)
    if args.json:
        options = dict(
            device=args.device,
            threads=torch.get_num_threads(),
            rounds=args.rounds,
            torch=torch.__version__,
        )
        write_text(args.json, json.dumps(dict(options=options, results=results), indent=2))
    if args.plot:
        figure = draw_growth(results)
        write_atomically(args.plot, lambda path: figure.savefig(path, dpi=150))


def make_row(
    case: Case, times: Mapping[str, Sequence[float]], matmul: Case, *, images: torch.Tensor
) -> dict | None:
    """Returns the results of a case; None if it ran out of memory.

    Args:
        case: The case.
        times: Seconds in each round, by name of the cases that did not run out of memory.
        matmul: The matrix product.
        images: The images of a step.
    """
    if case.name not in times:
        return None
    seconds = times[case.name]
    median = statistics.median(seconds)
    roofline = None
    if case.macs is not None and matmul.macs is not None:
        roofline = case.macs / matmul.macs * time_ratio(times[matmul.name], seconds)
    return dict(
        median=median,
        spread=spread(seconds),
        images_per_second=len(images) / median,
        macs=case.macs,
        roofline=roofline,
        peak_bytes=peak_bytes(case.step, images.device),
        ratios={
            name: time_ratio(seconds, other) for name, other in times.items() if name != matmul.name
        },
    )


def print_table(setting: Mapping[str, object], rows: Mapping[str, Mapping | None]) -> None:
    title = ', '.join(f'{key} {value}' for key, value in setting.items())
    table = Table('', 'network', title=title)
    numbers = {name: i for i, name in enumerate(rows, start=1)}
    others = [name for name, row in rows.items() if row][:MAX_RATIOS]
    ratios = [f'time to {numbers[name]}' for name in others]
    for column in ['ms', 'spread', 'images/s', 'roofline', 'memory (MiB)', *ratios]:
        table.add_column(column, justify='right')
    for i, (name, row) in enumerate(rows.items(), start=1):
        if row is None:
            table.add_row(str(i), name, *['-'] * 4, 'insufficient')
            continue
        table.add_row(
            str(i),
            name,
            f'{1e3 * row["median"]:.1f}',
            f'{row["spread"]:.0%}',
            f'{row["images_per_second"]:.2f}',
            '-' if row['roofline'] is None else f'{row["roofline"]:.2f}',
            f'{row["peak_bytes"] / 2**20:.0f}',
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
    table = parser.add_mutually_exclusive_group().add_argument
    table8, table10 = "ViTAEv2's Table 8: kinds of attention", "ViTAEv2's Table 10: transformers"
    table('--table8', action='store_const', dest='preset', const=TABLE_8, help=table8)
    table('--table10', action='store_const', dest='preset', const=TABLE_10, help=table10)
    option('--mode', nargs='+', choices=MODES, default=['forward'], help='default: forward')
    option('--forms', nargs='+', choices=FORMS, default=['eager'], help='default: eager')
    option('--size', nargs='+', help='side in pixels, or HEIGHTxWIDTH; default: 224')
    option('--batch', nargs='+', type=int, default=[8], help='images per step; default: 8')
    option('--dtype', nargs='+', choices=DTYPES, default=['float32'], help='default: float32')
    add_device_argument(parser)
    option('--rounds', type=int, default=10, help='timed steps of each network; default: 10')
    option('--warm-up', type=int, default=3, help='untimed steps before them; default: 3')
    option('--json', type=Path, help='write the results to this file')
    option('--plot', type=Path, help='plot time and memory over image size to this file')
    args = parser.parse_args()
    args.cases = choose_cases(args)
    sizes = args.size or (TABLE_10_SIZES if args.preset is TABLE_10 else (224,))
    args.size = [parse_size(str(size)) for size in sizes]
    if args.plot:
        check_plot_path(args.plot)
        if len(args.size) < 2:
            raise InputError(f'--plot {args.plot}: give two sizes or more, as in --size 224 448.')
    smallest = [('batch', min(args.batch), 1), ('rounds', args.rounds, 2)]
    for name, value, least in [*smallest, ('warm-up', args.warm_up, 0)]:
        if value < least:
            raise InputError(f'--{name} {value}: give a whole number, {least} or more.')
    return args


def parse_size(text: str) -> tuple[int, int]:
    """Returns height and width of '224' or '800x1333'."""
    sides = [int(side) if side.isdecimal() else 0 for side in text.split('x')]
    if min(sides) < 1 or len(sides) > 2:
        raise InputError(
            f'--size {text}: give a side in pixels, as in 224, or height and width, as in 800x1333.'
        )
    return sides[0], sides[-1]


def choose_cases(args: argparse.Namespace) -> list[tuple[str, Spec, str]]:
    """Returns name, arguments of :func:`load_network`, and form of each case."""
    if args.preset and args.networks:
        raise InputError(f'{args.networks} with a table: give networks or a table, not both.')
    if not args.networks:
        named = args.preset or DEFAULT
        return [(name, spec, form) for name, spec in named.items() for form in args.forms]
    forms = dict(map(split_forms, args.networks))
    if len(forms) < len(args.networks):
        raise InputError(f'{args.networks}: give each network once.')
    unique = len({Path(spec).stem for spec in forms}) == len(forms)
    names = {spec: Path(spec).stem if unique else spec for spec in forms}
    return [(names[spec], (spec, {}), form) for spec in forms for form in forms[spec] or args.forms]


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
