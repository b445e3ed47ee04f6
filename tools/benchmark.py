#!/usr/bin/env python
"""Compares networks by the time and memory of a step, in one run.

    python tools/benchmark.py CONFIG CONFIG ... --mode forward --size 224 --batch 8
    python tools/benchmark.py configs/cls/vitae_b_300e_in1k.py \\
        configs/ssl/mae_vitae_b_1600e_in1k.py --mode train

Steps of the networks alternate, so that a busy machine slows all of them;
ratios are to the first one. Of models other than classifiers and masked
autoencoders the backbone is measured. Memory is beside that of the weights.
"""
import argparse
import json
from pathlib import Path

import torch
from mmengine.registry import init_default_scope
from rich.console import Console
from rich.table import Table

from vitae_mm.checkpoints import write_whole
from vitae_mm.engine.benchmark import DTYPES, MODES, build_case, measure, peak_bytes
from vitae_mm.engine.cli import check_device, load_config, reports_input_errors
from vitae_mm.errors import InputError


@reports_input_errors
def main() -> None:
    args = parse_args()
    check_device(args.device)
    device = torch.device(args.device)
    images = torch.randn(args.batch, 3, args.size, args.size, device=device)
    cases = []
    repeated = len({Path(path).stem for path in args.configs}) < len(args.configs)
    for path in args.configs:
        cfg = load_config(path)
        init_default_scope(cfg.get('default_scope'))
        name = path if repeated else Path(path).stem
        cases.append(build_case(name, cfg, args.mode, images, args.dtype, args.compile))
    timings = measure(cases, args.rounds, args.warm_up, device)
    first = timings[cases[0].name]
    rows = {
        case.name: dict(
            median=timings[case.name].median, spread=timings[case.name].spread,
            ratio=timings[case.name].ratio_to(first), peak_bytes=peak_bytes(case.step, device))
        for case in cases
    }
    options = dict(mode=args.mode, size=args.size, batch=args.batch, dtype=args.dtype,
                   device=args.device, compile=args.compile, threads=torch.get_num_threads(),
                   torch=torch.__version__)
    title = ', '.join(f'{key} {value}' for key, value in options.items())
    table = Table('network', title=title)
    for column in ('ms', 'spread', 'images/s', 'time to first', 'memory (MiB)'):
        table.add_column(column, justify='right')
    for name, row in rows.items():
        table.add_row(name, f'{1e3 * row["median"]:.1f}', f'{row["spread"]:.0%}',
                      f'{args.batch / row["median"]:.1f}', f'{row["ratio"]:.2f}',
                      f'{row["peak_bytes"] / 2**20:.0f}')
    Console().print(table)
    if args.json:
        content = json.dumps(dict(options=options, networks=rows), indent=2)
        write_whole(args.json, lambda path: path.write_text(content))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', metavar='CONFIG', help='config file of any task')
    parser.add_argument('--mode', choices=MODES, default='forward',
                        help='train: forward, loss and backward; default: forward')
    parser.add_argument('--size', type=int, default=224, help='pixels of a side; default: 224')
    parser.add_argument('--batch', type=int, default=8, help='images of a step; default: 8')
    parser.add_argument('--dtype', choices=DTYPES, default='float32',
                        help='of autocast; default: float32, without')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu',
                        help='default: a GPU if there is one')
    parser.add_argument('--rounds', type=int, default=10, help='timed steps of each; default: 10')
    parser.add_argument('--warm-up', type=int, default=3, help='untimed ones before; default: 3')
    parser.add_argument('--compile', action='store_true', help='with torch.compile')
    parser.add_argument('--json', type=Path, help='file to write the figures to')
    args = parser.parse_args()
    for name, least in (('size', 1), ('batch', 1), ('rounds', 2), ('warm_up', 0)):
        if getattr(args, name) < least:
            raise InputError(f'--{name.replace("_", "-")} {getattr(args, name)}: give {least} or '
                             'more.')
    return args


if __name__ == '__main__':
    main()
