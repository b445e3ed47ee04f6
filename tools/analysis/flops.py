#!/usr/bin/env python
"""Parameters and multiply-adds (GMACs, which OpenMMLab calls FLOPs) of a
config's model and of its parts, for one image.

    python tools/analysis/flops.py configs/det/mask_rcnn_vitaev2_s_3x.py
    python tools/analysis/flops.py configs/cls/ceit_s_300e_in1k.py --size 384 384

Convolutions, matrix products and attention are counted, nothing is computed.
"""

import argparse

from rich.console import Console
from rich.table import Table

from vitae_mm.engine.cli import add_config_argument, reports_input_errors
from vitae_mm.engine.complexity import count_parts, input_size, region_limits
from vitae_mm.engine.config import load_config
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError


@reports_input_errors
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file of any task')
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
        help="of the image; default: the largest of the config's test pipeline",
    )
    add_config_argument(parser)
    args = parser.parse_args()
    cfg = load_config(args.config, args.cfg_options)
    if args.size and min(args.size) < 1:
        raise InputError(f'--size {args.size}: give height and width in pixels.')
    height, width = args.size or input_size(cfg)
    model = build_model(cfg)
    whole, *parts = count_parts(model, (height, width))
    table = Table('part', title=f'{whole.name}, {height}x{width}')
    for column in ('parameters', 'GMACs', 'share'):
        table.add_column(column, justify='right')
    for part in parts:
        table.add_row(part.name, millions(part.parameters), *gmacs(part.macs, whole.macs))
    table.add_section()
    table.add_row('all', millions(whole.parameters), *gmacs(whole.macs, whole.macs))
    Console().print(table)
    for kind, count in region_limits(model).items():
        print(f'roi_head.{kind}_head: for {count} regions, as many as testing takes at most.')
    uncounted = [part.name for part in parts if part.macs is None]
    if uncounted:
        print(
            f'Not counted: {", ".join(uncounted)} (used in training only, or of a kind that '
            'cannot be counted).'
        )


def millions(count: int) -> str:
    return f'{count / 1e6:.3f}M'


def gmacs(macs: int | None, whole: int) -> tuple[str, str]:
    """GMACs, and their share of the whole."""
    return ('-', '-') if macs is None else (f'{macs / 1e9:.3f}', f'{macs / whole:.1%}')


if __name__ == '__main__':
    main()
