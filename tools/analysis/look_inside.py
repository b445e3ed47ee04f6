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
from pathlib import Path

from rich.progress import track

from vitae_mm.analysis.attacks import parse_all_eps, require_torchattacks
from vitae_mm.analysis.experiments import find_rows
from vitae_mm.analysis.inside import look_inside
from vitae_mm.analysis.published import MEASURES
from vitae_mm.analysis.reproduction import Run, check_request, plan_request, plan_runs
from vitae_mm.analysis.reproduction_report import draw, markdown, write_scores
from vitae_mm.engine.cli import add_device_argument, check_device, reports_input_errors, tool_parser
from vitae_mm.errors import InputError
from vitae_mm.io import write_text

EPS = ['1/255', '2/255', '4/255']


@reports_input_errors
def main() -> None:
    args = parse_args()
    check_device(args.device)
    require_torchattacks()
    runs = track(read_runs(args.folder), description='measuring')
    found = look_inside(runs, count=args.count, eps=args.eps, device=args.device)
    text = ''
    for name, measure in MEASURES.items():
        write_scores(measure, found[name], args.folder / f'{name}.csv')
        draw(measure, found[name], args.folder / f'{name}.png')
        text += f'# {measure.title}\n\n{markdown(measure, found[name])}\n'
    write_text(args.folder / 'look_inside.md', text)
    print(f'{text}written to {args.folder}')


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    option = parser.add_argument
    option('folder', type=Path, metavar='FOLDER', help='work dir of tools/reproduce.py')
    option('--count', type=int, default=200, help='number of test images; default: 200')
    eps = f'largest changes of a pixel in [0, 1]; default: {" ".join(EPS)}'
    option('--eps', nargs='+', default=EPS, help=eps)
    add_device_argument(parser)
    args = parser.parse_args()
    if args.count < 1:
        raise InputError(f'--count {args.count}: give a whole number, 1 or more.')
    args.eps = parse_all_eps(args.eps)
    return args


def read_runs(folder: Path) -> list[Run]:
    """Returns the runs of a reproduction that did not diverge.

    Raises:
        InputError: If the folder is not that of a finished reproduction with today's configs.
    """
    file = folder / 'request.json'
    if not file.is_file():
        raise InputError(f'{folder} has no request.json: give the work dir of tools/reproduce.py.')
    recorded = json.loads(file.read_text())
    rows = find_rows(recorded['experiment'], recorded['preset'])
    check_request(
        folder, plan_request(recorded['experiment'], recorded['preset'], rows, recorded['seeds'])
    )
    runs = plan_runs(rows, recorded['seeds'], folder)
    if any(run.metrics() is None for run in runs):
        raise InputError(f'{folder} is not finished: run tools/reproduce.py with the same options.')
    return [run for run in runs if run.metrics()]


if __name__ == '__main__':
    main()
