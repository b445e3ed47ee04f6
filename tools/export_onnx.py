#!/usr/bin/env python
"""Writes a trained classifier, or the backbone of another model, as an ONNX file.

    python tools/export_onnx.py CONFIG CHECKPOINT model.onnx --fuse
    python tools/export_onnx.py CONFIG CHECKPOINT model.onnx --dynamic

Input "images": (B, C, H, W), normalised; mean, std, order of the channels and
names of the classes are kept in the file's metadata. Outputs: "logits" of a
classifier, before the softmax, or "map0", "map1", ... of a backbone. The file
is written if ONNX Runtime gives the network's outputs.
"""

import argparse
from pathlib import Path

import torch

from vitae_mm.engine.cli import add_config_argument, add_trust_argument, reports_input_errors
from vitae_mm.engine.complexity import input_size
from vitae_mm.engine.config import load_config
from vitae_mm.engine.inference import fuse_for_inference
from vitae_mm.engine.models import load_model, prepare_config
from vitae_mm.errors import InputError
from vitae_mm.export import Deployed, describe, export_onnx, require_onnxruntime


@reports_input_errors
def main() -> None:
    args = parse_args()
    require_onnxruntime()
    if args.out.is_dir():
        raise InputError(f'{args.out} is a folder: give the name of a file.')
    if args.out.exists() and not args.overwrite:
        raise InputError(f'{args.out} exists: choose another name or give --overwrite.')
    for name, values in (('size', args.size or [1]), ('batch', [args.batch])):
        if min(values) < 1:
            raise InputError(f'--{name} {" ".join(map(str, values))}: give 1 or more.')
    cfg = load_config(args.config, args.cfg_options)
    size = args.size or input_size(cfg)
    if cfg.get('test_dataloader'):
        prepare_config(cfg)
    model = load_model(cfg, args.checkpoint, 'cpu', args.trust)
    classes = model.dataset_meta.get('classes')
    network = Deployed(model).eval()
    if args.fuse:
        fuse_for_inference(network, pair_groups=False)
    images = torch.randn(args.batch, network.backbone.in_channels, *size)
    difference = export_onnx(network, args.out, images, args.dynamic, describe(cfg, classes))
    shape = list(map(str, images.shape))
    if args.dynamic:
        shape = ['B', shape[1], 'H', 'W']
    print(
        f'written: {args.out}, images ({", ".join(shape)}) -> '
        f'{", ".join(network.output_names)}. ONNX Runtime differs from PyTorch by '
        f'{difference:.1e} of the largest output.'
    )


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='a checkpoint that training wrote, or a converted one')
    parser.add_argument('out', type=Path, help='file to write')
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
        help="of the images; default: the largest of the config's test pipeline",
    )
    parser.add_argument('--batch', type=int, default=1, help='number of images; default: 1')
    parser.add_argument('--dynamic', action='store_true', help='for any number and size of images')
    parser.add_argument(
        '--fuse',
        action='store_true',
        help='fold batch norms into convs first: faster, same outputs',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace OUT if it exists')
    add_trust_argument(parser)
    add_config_argument(parser)
    return parser.parse_args()


if __name__ == '__main__':
    main()
