#!/usr/bin/env python
"""Draws the demo data: scenes of colored shapes for all tasks.

    python tools/make_demo_data.py [--out data/shapes]

A folder that has the same scenes already is left as it is.
"""

from pathlib import Path

from vitae_mm.datasets.shapes_writer import write_shapes
from vitae_mm.engine.cli import reports_input_errors, tool_parser


@reports_input_errors
def main() -> None:
    parser = tool_parser(__doc__)
    parser.add_argument('--out', type=Path, default=Path('data/shapes'), help='folder to create')
    parser.add_argument('--train', type=int, default=1000, help='number of training scenes')
    parser.add_argument('--val', type=int, default=100, help='number of validation scenes')
    parser.add_argument('--seed', type=int, default=0, help='different seeds give different scenes')
    args = parser.parse_args()
    sizes = dict(train=args.train, val=args.val)
    scenes = f'{args.train} training and {args.val} validation scenes'
    if write_shapes(args.out, sizes, args.seed):
        print(f'wrote {scenes} to {args.out}')
    else:
        print(f'{args.out} has these {scenes}, skipping')


if __name__ == '__main__':
    main()
