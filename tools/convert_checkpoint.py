#!/usr/bin/env python
"""Converts a checkpoint of a published network for use with vitae_mm.

    python tools/convert_checkpoint.py SRC DST
    python tools/convert_checkpoint.py OURS DST --to-published
    python tools/convert_checkpoint.py PRETRAINED DST --inflate

Finds out by itself which network the file holds, also inside the wrappers of
training programs (state_dict, model, state_dict_ema, module. prefixes), and
also where it is the backbone of a detector, segmentor or pose estimator of
the generation of OpenMMLab codebases before this one.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from vitae_mm import __version__
from vitae_mm.backbones import StagedBackbone, Variant
from vitae_mm.checkpoints import (
    BACKBONE,
    CLASSIFIER,
    check_match,
    convert_state_dict,
    entries_below,
    identify_layout,
    inflate_state_dict,
    publish_state_dict,
    read_checkpoint,
    unaveraged,
    unwrap_state_dict,
    write_checkpoint,
)
from vitae_mm.engine.cli import add_trust_argument, reports_input_errors
from vitae_mm.errors import InputError

REMEDY = 'Give a checkpoint of a published network, whole and unchanged.'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('src', help='published checkpoint, a file or an http(s) address')
    parser.add_argument('dst', type=Path, help='file to write')
    direction = parser.add_mutually_exclusive_group()
    direction.add_argument(
        '--to-published',
        action='store_true',
        help='SRC is one of ours; write it in the published layout',
    )
    direction.add_argument(
        '--inflate',
        action='store_true',
        help='SRC is one of our masked pretraining; put zeros around its 1x1 '
        'kernels, which become 3x3 with the same output',
    )
    parser.add_argument(
        '--drop-head',
        action='store_true',
        help='leave out the classifier, or the neck and heads of other models',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace DST if it exists')
    parser.add_argument(
        '--no-ema',
        action='store_true',
        help='take the weights that were trained where the file also holds their average',
    )
    add_trust_argument(parser)
    return parser.parse_args()


@reports_input_errors
def main() -> None:
    args = parse_args()
    if args.dst.exists() and not args.overwrite:
        raise InputError(f'{args.dst} exists: choose another name or give --overwrite.')
    content = read_checkpoint(args.src, trust=args.trust)
    found = unwrap_state_dict(unaveraged(content) if args.no_ema else content, ema=not args.no_ema)
    state = found.state_dict
    if args.inflate:
        state, count = inflate_state_dict(state)
        variant = StagedBackbone.identify(entries_below(state, BACKBONE))
        present = any('.pcm.conv' in key for key in state)
        print(
            f'{args.src}: '
            + (
                f'{count} parallel convs are inflated to 3x3'
                if count
                else f'{"parallel convs are 3x3 already" if present else "there are no parallel convs"}, '
                'nothing is inflated'
            )
        )
    else:
        if not args.to_published:
            state = convert_state_dict(state, identify_layout(state))
        variant = find_variant(state)
    if args.drop_head:
        state = {key: value for key, value in state.items() if key.startswith(BACKBONE)}
    parts = describe_parts(state)
    if args.to_published:
        state = publish_state_dict(state, variant.layout)
    meta = dict(source=Path(args.src).name, vitae_mm_version=__version__)
    if variant.exact:
        meta.update(network=variant.network.__name__, arch=variant.arch)
    write_checkpoint(dict(meta=meta, state_dict=state), args.dst)
    print(
        f'{args.src}: {variant if variant.exact else "an arch of your own"}, {parts}; wrappers '
        f'taken off: {", ".join(found.wrappers) or "none"}; {len(found.state_dict)} entries '
        f'read, {len(state)} written to {args.dst}'
    )


def find_variant(state: Mapping[str, Tensor]) -> Variant:
    """The published network whose backbone has just these keys and shapes.

    Raises:
        InputError: If none has, saying how the nearest differs.
    """
    own = entries_below(state, BACKBONE)
    variant = StagedBackbone.identify(own)
    with torch.device('meta'):
        # with the norm and attention that only a classifier reads, where the file has them
        pooled = any(not key.startswith('stages.') for key in own)
        kind = (
            'cls_token'
            if any(key.startswith('class_attention.') for key in own)
            else ('avg_featmap' if pooled else 'featmap')
        )
        nearest = variant.network(variant.arch, out_type=kind)
    check_match(nearest, own, f'the checkpoint (nearest network: {variant})', REMEDY)
    return variant


def describe_parts(state: Mapping[str, Tensor]) -> str:
    """What stands beside the backbone, in words."""
    classifier = state.get(f'{CLASSIFIER}weight')
    if classifier is not None:
        return f'classifier of {len(classifier)} classes'
    parts = sorted({key.partition('.')[0] for key in state} - {'backbone'})
    return f'with {", ".join(parts)}' if parts else 'no classifier'


if __name__ == '__main__':
    main()
