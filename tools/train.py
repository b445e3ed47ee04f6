#!/usr/bin/env python
"""Trains any config, of mmdet, mmseg, mmpose or mmpretrain.

    python tools/train.py CONFIG [--resume] [--amp] [--compile] ...
    bash tools/dist_train.sh CONFIG PROCESSES [the same options]
"""
import argparse
import os

from mmengine.config import DictAction
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

import torch

from vitae_mm.checkpoints import use_safe_reader
from vitae_mm.engine.cli import load_config, reports_input_errors
from vitae_mm.engine.distributed import prepare_devices
from vitae_mm.engine.preflight import check_data, check_work_dir
from vitae_mm.errors import InputError


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file, such as configs/det/mask_rcnn_...py')
    parser.add_argument('--work-dir', help='where logs and checkpoints go; default: '
                        'work_dirs/<config>')
    parser.add_argument('--resume', nargs='?', const='auto', metavar='CHECKPOINT',
                        help='continue the run in the work dir, or from CHECKPOINT')
    parser.add_argument('--overwrite', action='store_true',
                        help='train anew in a work dir that holds a run')
    parser.add_argument('--amp', action='store_true',
                        help='mixed precision: float16 with loss scaling on GPUs, bfloat16 on CPUs')
    parser.add_argument('--auto-scale-lr', action='store_true',
                        help='scale the learning rate to the total batch size')
    parser.add_argument('--compile', action='store_true', help='torch.compile the backbone')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override config entries, e.g. train_dataloader.batch_size=4')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm'], default='none',
                        help='set by dist_train.sh and slurm_train.sh')
    # some launchers pass it; the environment says it too
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help=argparse.SUPPRESS)
    return parser.parse_args()


@reports_input_errors
def main() -> None:
    args = parse_args()
    use_safe_reader()
    cfg = load_config(args.config, args.cfg_options, args.work_dir)
    if args.resume:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    if args.amp:
        use_mixed_precision(cfg)
    if args.auto_scale_lr:
        scale_lr(cfg)
    if int(os.environ.get('RANK', 0)) == 0:
        check_work_dir(cfg.work_dir, bool(cfg.get('resume')), args.overwrite)
        check_data(cfg, ('train', 'val'))
    prepare_devices(cfg, args.launcher)
    runner = Runner.from_cfg(cfg)
    if args.compile:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        model.backbone.compile()
    runner.train()


def use_mixed_precision(cfg) -> None:
    """float16 with loss scaling where there is a GPU, else bfloat16."""
    if torch.cuda.is_available():
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.loss_scale = 'dynamic'
    else:
        cfg.optim_wrapper.type = 'vitae_mm.BFloat16OptimWrapper'


def scale_lr(cfg) -> None:
    """Has mmengine scale the learning rate to the total batch size."""
    if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
        raise InputError('--auto-scale-lr: the config does not say for which batch size its '
                         'learning rate is. Add auto_scale_lr=dict(base_batch_size=16).')
    cfg.auto_scale_lr.enable = True


if __name__ == '__main__':
    main()
