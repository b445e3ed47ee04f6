#!/usr/bin/env python
"""Exports a trained classifier, or the backbone of another model, to ONNX.

    python tools/export_onnx.py CONFIG CHECKPOINT model.onnx --fuse
    python tools/export_onnx.py CONFIG CHECKPOINT model.onnx --dynamic

The input "images" is (B, C, H, W) and normalized; the file's metadata contain mean, std, channel
order and class names. The outputs are "logits" for a classifier, before the softmax, or "map0",
"map1", ... for a backbone. The file is written only if ONNX Runtime reproduces the outputs of the
network.
"""

import argparse
from pathlib import Path

import torch

from vitae_mm.engine.cli import add_model_arguments, reports_input_errors, tool_parser
from vitae_mm.engine.complexity import input_size
from vitae_mm.engine.config import load_config, strip_test_dataset
from vitae_mm.engine.fusion import fuse_for_inference
from vitae_mm.engine.models import load_model
from vitae_mm.errors import InputError
from vitae_mm.export import DeployedNetwork, describe, export_onnx, require_onnxruntime


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    add_model_arguments(parser)
    parser.add_argument('out', type=Path, help='file to write')
    parser.add_argument(
        '--size',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
        help="image size; default: the largest of the config's test pipeline",
    )
    parser.add_argument('--batch', type=int, default=1, help='number of images; default: 1')
    parser.add_argument(
        '--dynamic', action='store_true', help='accept images of any number and size'
    )
    parser.add_argument(
        '--fuse', action='store_true', help='fold batch norms into convs: faster, same outputs'
    )
    parser.add_argument('--overwrite', action='store_true', help='replace OUT if it exists')
    return parser.parse_args()


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
        strip_test_dataset(cfg)
    model = load_model(cfg, args.checkpoint, device='cpu', trust=args.trust)
    metadata = describe(cfg, model.dataset_meta.get('classes'))
    network = DeployedNetwork(model).eval()
    if args.fuse:
        fuse_for_inference(network, pair_groups=False)
    channels = network.backbone.in_channels
    images = torch.randn(args.batch, channels, *size)
    difference = export_onnx(network, args.out, images, dynamic=args.dynamic, metadata=metadata)
    shape = ('B', channels, 'H', 'W') if args.dynamic else tuple(images.shape)
    print(
        f'wrote {args.out}: images ({", ".join(map(str, shape))}) -> '
        f"{', '.join(network.output_names)}. ONNX Runtime's outputs differ from PyTorch's by at "
        f'most {difference:.1e} of the largest output.'
    )


if __name__ == '__main__':
    main()
