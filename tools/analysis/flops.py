#!/usr/bin/env python
"""Prints the parameters and multiply-adds (GMACs, which OpenMMLab calls FLOPs) of a
config's model and of its parts, for one image.

    python tools/analysis/flops.py configs/det/mask_rcnn_vitaev2_s_3x.py
    python tools/analysis/flops.py configs/cls/ceit_s_300e_in1k.py --size 384 384

Convolutions, matrix products and attention are counted without being computed.
"""

from dataclasses import replace

from rich.console import Console
from rich.table import Table

from vitae_mm.engine.cli import add_config_argument, reports_input_errors, tool_parser
from vitae_mm.engine.complexity import count_parts, input_size, region_limits
from vitae_mm.engine.config import load_config
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError


@reports_input_errors
def main() -> None:
    parser = tool_parser(__doc__)
    parser.add_argument('config', help='config file of any task')
    size = "of the image; default: the largest of the config's test pipeline"
    parser.add_argument('--size', nargs=2, type=int, metavar=('H', 'W'), help=size)
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
    for part in (*parts, replace(whole, name='all')):
        macs = ('-', '-')
        if part.macs is not None and whole.macs:
            macs = f'{part.macs / 1e9:.3f}', f'{part.macs / whole.macs:.1%}'
        table.add_row(part.name, f'{part.parameters / 1e6:.3f}M', *macs)
    table.rows[-2].end_section = True
    Console().print(table)
    for kind, count in region_limits(model).items():
        print(f'roi_head.{kind}_head: counted for {count} regions, the maximum in testing.')
    uncounted = [part.name for part in parts if part.macs is None]
    if uncounted:
        print(f'Not counted: {", ".join(uncounted)} (used only in training, or not supported).')


if __name__ == '__main__':
    main()
