#!/usr/bin/env python
"""Compares networks by the time and memory of a step, in one run.

    python tools/benchmark.py
    python tools/benchmark.py configs/cls/vitaev2_s_300e_in1k.py timm:convnext_tiny \\
        --size 224 448 --forms eager fused+compiled
    python tools/benchmark.py configs/cls/vitae_b_300e_in1k.py \\
        configs/ssl/mae_vitae_b_1600e_in1k.py --mode train
    python tools/benchmark.py --table10

A network is compared in all --forms, or in those behind an @, as in
CONFIG@eager,fused. Steps of the networks alternate, so that a busy machine
slows all of them, and so does a product of large matrices: "roofline" is the
time in which the network's multiply-adds would be done at its rate, as a share
of the step's. Ratios are medians over the rounds. Of models other than
classifiers and masked autoencoders the backbone is measured. Memory is beside
that of the weights; "too little" says that a step needs more than there is.
"""

import argparse
import json
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from vitae_mm.benchmark import (
    DTYPES,
    FORMS,
    MODES,
    TABLE_8,
    TABLE_10,
    TABLE_10_SIZES,
    Case,
    Timing,
    bounded_memory,
    build_case,
    draw_growth,
    load_network,
    matmul_case,
    measure,
    peak_bytes,
)
from vitae_mm.engine.cli import (
    add_device_argument,
    check_device,
    check_picture,
    reports_input_errors,
)
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically, write_text

DEFAULT = {name: TABLE_10[name] for name in ('ViTAEv2-S', 'Swin-T')}

MAX_RATIOS = 6

PAGE = 160
"""Width of tables in files and pipes."""


@reports_input_errors
def main() -> None:
    args = parse_args()
    check_device(args.device)
    device = torch.device(args.device)
    results = []
    for mode, size, batch, dtype in product(args.mode, args.size, args.batch, args.dtype):
        # else a second size would be compiled for sizes that vary
        torch.compiler.reset()
        setting = dict(mode=mode, size='x'.join(map(str, size)), batch=batch, dtype=dtype)
        images = torch.randn(batch, 3, *size, device=device)
        cases = [
            build_case(load_network(spec, name), form, mode, images, dtype)
            for name, spec, form in args.cases
        ]
        unit = matmul_case(device, dtype)
        with bounded_memory(device):
            timings = measure([unit, *cases], args.rounds, args.warm_up, device)
            rows = {case.name: summarise(case, timings, unit, batch, device) for case in cases}
        results.append(setting | dict(networks=rows))
        print_table(setting, rows)
    if args.json:
        options = dict(
            device=args.device,
            threads=torch.get_num_threads(),
            rounds=args.rounds,
            torch=torch.__version__,
        )
        content = json.dumps(dict(options=options, results=results), indent=2)
        write_text(args.json, content)
    if args.plot:
        figure = draw_growth(results)
        write_atomically(args.plot, lambda path: figure.savefig(path, dpi=150))


def summarise(
    case: Case, timings: Mapping[str, Timing], unit: Case, batch: int, device: torch.device
) -> dict | None:
    """Figures of a case, the ratios are to all others; None if the memory did not suffice."""
    if case.name not in timings:
        return None
    timing = timings[case.name]
    roofline = (
        None if case.macs is None else (case.macs / unit.macs * timings[unit.name].ratio_to(timing))
    )
    ratios = {name: timing.ratio_to(other) for name, other in timings.items() if name != unit.name}
    return dict(
        median=timing.median,
        spread=timing.spread,
        images_per_second=batch / timing.median,
        macs=case.macs,
        roofline=roofline,
        peak_bytes=peak_bytes(case.step, device),
        ratios=ratios,
    )


def print_table(setting: Mapping[str, object], rows: Mapping[str, Mapping | None]) -> None:
    title = ', '.join(f'{key} {value}' for key, value in setting.items())
    table = Table('', 'network', title=title)
    columns = ['ms', 'spread', 'images/s', 'roofline', 'memory (MiB)']
    # ratios to every network take the width of a page
    others = [name for name, row in rows.items() if row][:MAX_RATIOS]
    columns += [f'time to {i}' for i, name in enumerate(rows, start=1) if name in others]
    for column in columns:
        table.add_column(column, justify='right')
    for i, (name, row) in enumerate(rows.items(), start=1):
        if row is None:
            table.add_row(str(i), name, *['-'] * 4, 'too little')
            continue
        roofline = '-' if row['roofline'] is None else f'{row["roofline"]:.2f}'
        table.add_row(
            str(i),
            name,
            f'{1e3 * row["median"]:.1f}',
            f'{row["spread"]:.0%}',
            f'{row["images_per_second"]:.2f}',
            roofline,
            f'{row["peak_bytes"] / 2**20:.0f}',
            *[f'{row["ratios"][other]:.2f}' for other in others],
        )
    console = Console()
    (console if console.is_terminal else Console(width=PAGE)).print(table)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'networks',
        nargs='*',
        metavar='NETWORK',
        help='config file of any task, PACKAGE::FILE for a config of an '
        'installed codebase, or timm:NAME; @FORM,... behind it says its forms; '
        'default: ViTAEv2-S and Swin-T',
    )
    preset = parser.add_mutually_exclusive_group()
    preset.add_argument(
        '--table8', action='store_true', help="ViTAEv2's Table 8: kinds of attention"
    )
    preset.add_argument(
        '--table10',
        action='store_true',
        help="ViTAEv2's Table 10: other transformers, at 224, 448 and 896",
    )
    parser.add_argument(
        '--mode',
        nargs='+',
        choices=MODES,
        default=['forward'],
        help='train: forward, loss and backward; default: forward',
    )
    parser.add_argument(
        '--forms',
        nargs='+',
        choices=FORMS,
        default=['eager'],
        help='fused: batch norms folded into convs, for inference; default: eager',
    )
    parser.add_argument('--size', nargs='+', help='pixels of a side, or HEIGHTxWIDTH; default: 224')
    parser.add_argument(
        '--batch', nargs='+', type=int, default=[8], help='images of a step; default: 8'
    )
    parser.add_argument(
        '--dtype',
        nargs='+',
        choices=DTYPES,
        default=['float32'],
        help='of autocast; default: float32, without',
    )
    add_device_argument(parser)
    parser.add_argument('--rounds', type=int, default=10, help='timed steps of each; default: 10')
    parser.add_argument('--warm-up', type=int, default=3, help='untimed ones before; default: 3')
    parser.add_argument('--json', type=Path, help='file to write the figures to')
    parser.add_argument(
        '--plot', type=Path, help='picture to draw of how time and memory grow with the size'
    )
    args = parser.parse_args()
    args.cases = choose_cases(args)
    sizes = args.size or (TABLE_10_SIZES if args.table10 else (224,))
    args.size = [parse_size(str(size)) for size in sizes]
    if args.plot:
        check_picture(args.plot)
        if len(args.size) < 2:
            raise InputError(
                f'--plot {args.plot} draws growth over sizes: give two or more, as --size 224 448.'
            )
    for name, least in (('batch', 1), ('rounds', 2), ('warm_up', 0)):
        values = getattr(args, name)
        if min(values if isinstance(values, list) else [values]) < least:
            raise InputError(f'--{name.replace("_", "-")} {values}: give {least} or more.')
    return args


def parse_size(text: str) -> tuple[int, int]:
    """Height and width of '224' or '800x1333'."""
    sides = [int(side) if side.isdecimal() else 0 for side in text.split('x')]
    if min(sides) < 1 or len(sides) > 2:
        raise InputError(
            f'--size {text}: give pixels of a side, as 224, or height and width, as 800x1333.'
        )
    return sides[0], sides[-1]


def choose_cases(args: argparse.Namespace) -> list[tuple[str, str, str]]:
    """Name, what :func:`load_network` takes, and form of each case."""
    preset = TABLE_8 if args.table8 else TABLE_10 if args.table10 else None
    if preset and args.networks:
        raise InputError(f'{args.networks} beside a table: give networks or a table.')
    if not args.networks:
        return [(*pair, form) for pair, form in product((preset or DEFAULT).items(), args.forms)]
    given = [split_forms(network) for network in args.networks]
    specs = [spec for spec, _ in given]
    if len(set(specs)) < len(specs):
        raise InputError(f'{args.networks}: give each network once.')
    names = [Path(spec).stem for spec in specs]
    names = names if len(set(names)) == len(names) else specs
    return [
        (name, spec, form) for name, (spec, own) in zip(names, given) for form in own or args.forms
    ]


def split_forms(network: str) -> tuple[str, list[str]]:
    """Spec and forms of 'SPEC@FORM,FORM'; no forms where it names none."""
    spec, mark, text = network.rpartition('@')
    if not mark or '/' in text:  # or a folder's name has the mark
        return network, []
    forms = text.split(',')
    for index, form in enumerate(forms):
        if form not in FORMS or form in forms[:index]:
            raise InputError(
                f'{network}: form {form!r} is unknown or there twice; choose some of '
                f'{", ".join(FORMS)}.'
            )
    return spec, forms


if __name__ == '__main__':
    main()
