#!/usr/bin/env python
"""Converts a checkpoint of a published network for use with vitae_mm.

    python tools/convert_checkpoint.py SRC DST
    python tools/convert_checkpoint.py OURS DST.safetensors
    python tools/convert_checkpoint.py OURS DST --to-published
    python tools/convert_checkpoint.py PRETRAINED DST --inflate

The network is recognized from the file, inside the wrappers of training
programs (state_dict, model, state_dict_ema, module. prefixes), and as the
backbone of a detector, segmentor or pose estimator of the previous generation
of OpenMMLab codebases.

SRC and DST can be PyTorch files or safetensors (.safetensors), which contain
weights and metadata only. A checkpoint of vitae_mm, of any model, is written in
the other format unchanged, without the state of its training.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

import vitae_mm.backbones  # noqa: F401  registers the published networks
from vitae_mm import __version__
from vitae_mm.checkpoints import (
    BACKBONE_PREFIX,
    CLASSIFIER_PREFIX,
    SAFETENSORS,
    Variant,
    check_match,
    convert_state_dict,
    entries_below,
    has_own_names,
    identify_layout,
    identify_network,
    inflate_state_dict,
    nearest_network,
    publish_state_dict,
    read_checkpoint,
    unaveraged,
    unwrap_state_dict,
    write_checkpoint,
)
from vitae_mm.engine.cli import add_trust_argument, reports_input_errors, tool_parser
from vitae_mm.errors import InputError

REMEDY = 'Give the complete and unchanged checkpoint of a published network.'


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    parser.add_argument('src', help='published checkpoint, a file or an http(s) address')
    parser.add_argument(
        'dst', type=Path, help=f'file to write, as safetensors if its name ends in {SAFETENSORS}'
    )
    direction = parser.add_mutually_exclusive_group()
    direction.add_argument(
        '--to-published',
        action='store_true',
        help='SRC is a checkpoint of vitae_mm; write it in the published layout',
    )
    direction.add_argument(
        '--inflate',
        action='store_true',
        help='SRC is from masked pretraining with vitae_mm; zero-pad its 1x1 kernels '
        'to 3x3 with the same output',
    )
    parser.add_argument(
        '--drop-head',
        action='store_true',
        help='drop the classifier, or the neck and heads of other models',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace DST if it exists')
    parser.add_argument(
        '--no-ema',
        action='store_true',
        help='convert the trained weights even if the file also has averaged ones',
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
    as_safetensors = SAFETENSORS in (Path(args.src).suffix, args.dst.suffix)
    if args.inflate:
        state, count = inflate_state_dict(state)
        variant = identify_network(entries_below(state, BACKBONE_PREFIX))
        print(f'{args.src}: {describe_inflation(state, count)}')
    elif as_safetensors and has_own_names(state) and not args.to_published:
        variant = identify_network(entries_below(state, BACKBONE_PREFIX))
    else:
        if not args.to_published:
            state = convert_state_dict(state, identify_layout(state))
        variant = find_variant(state)
    if args.drop_head:
        state = {key: value for key, value in state.items() if key.startswith(BACKBONE_PREFIX)}
    parts = describe_parts(state)
    if args.to_published and variant is not None:
        state = publish_state_dict(state, variant.layout)
    # classes, config and others of a trained model
    kept = content.get('meta') if as_safetensors else None
    meta = dict(kept) if isinstance(kept, Mapping) else {}
    meta.update(source=Path(args.src).name, vitae_mm_version=__version__)
    if variant is not None:
        meta.update(network=variant.network, arch=variant.arch)
    write_checkpoint(dict(meta=meta, state_dict=state), args.dst)
    print(
        f'{args.src}: {variant or "a custom arch"}, {parts}; wrappers removed: '
        f'{", ".join(found.wrappers) or "none"}; {len(found.state_dict)} entries read, '
        f'{len(state)} written to {args.dst}'
    )


def find_variant(state: Mapping[str, Tensor]) -> Variant:
    """Returns the published network with the keys and shapes of the backbone in ``state``.

    Raises:
        InputError: If there is none, with the differences from the nearest one.
    """
    own = entries_below(state, BACKBONE_PREFIX)
    variant = nearest_network(own)
    # build the norm and attention that only classifiers have, if the file has them
    out_type = 'featmap'
    if any(key.startswith('class_attention.') for key in own):
        out_type = 'cls_token'
    elif any(not key.startswith('stages.') for key in own):
        out_type = 'avg_featmap'
    with torch.device('meta'):
        network = variant.build(out_type=out_type)
    check_match(network, own, f'the checkpoint (nearest network: {variant})', remedy=REMEDY)
    return variant


def describe_inflation(state: Mapping[str, Tensor], count: int) -> str:
    """Describes how many parallel convs were inflated, or why none."""
    if count:
        return f'{count} parallel convs are inflated to 3x3'
    if any('.pcm.conv' in key for key in state):
        return 'parallel convs are 3x3 already, nothing is inflated'
    return 'there are no parallel convs, nothing is inflated'


def describe_parts(state: Mapping[str, Tensor]) -> str:
    """Names the parts other than the backbone."""
    classifier = state.get(f'{CLASSIFIER_PREFIX}weight')
    if classifier is not None:
        return f'classifier of {len(classifier)} classes'
    parts = sorted({key.partition('.')[0] for key in state} - {'backbone'})
    return f'with {", ".join(parts)}' if parts else 'no classifier'


if __name__ == '__main__':
    main()
