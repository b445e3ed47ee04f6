#!/usr/bin/env python
"""Trains any config, of mmdet, mmseg, mmpose or mmpretrain.

python tools/train.py CONFIG [--resume] [--amp] [--compile] ...
bash tools/dist_train.sh CONFIG PROCESSES [the same options]
"""

import argparse
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.model import is_model_wrapper
from rich.console import Console

from vitae_mm.checkpoints import use_safe_reader
from vitae_mm.engine.cli import add_common_arguments, reports_input_errors
from vitae_mm.engine.config import load_config
from vitae_mm.engine.distributed import (
    adopt_ranks,
    local_rank,
    prepare_devices,
    process_count,
    process_rank,
)
from vitae_mm.engine.preflight import (
    check_loader,
    check_room,
    check_training,
    check_work_dir,
    forget_run,
    summarise,
)
from vitae_mm.engine.runner import build_runner
from vitae_mm.errors import InputError


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file, such as configs/det/mask_rcnn_...py')
    parser.add_argument(
        '--work-dir', help='where logs and checkpoints go; default: work_dirs/<config>'
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='continue the run in the work dir, or from CHECKPOINT',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='train anew in a work dir that holds a run'
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='mixed precision: float16 with loss scaling on GPUs, bfloat16 on CPUs',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate to the total batch size',
    )
    parser.add_argument('--compile', action='store_true', help='torch.compile the backbone')
    parser.add_argument(
        '--dry-run',
        action='store_true',
        help='check everything, print what the training would be, and stop '
        'before its first step; writes nothing',
    )
    add_common_arguments(parser, 'dist_train.sh and slurm_train.sh')
    return parser.parse_args()


@reports_input_errors
def main() -> None:
    args = parse_args()
    adopt_ranks(args.launcher)
    use_safe_reader(args.trust)
    if args.resume and args.overwrite:
        raise InputError(
            '--resume goes on with the run in the work dir, --overwrite trains anew: '
            'give one of them.'
        )
    cfg = load_config(args.config, args.cfg_options, args.work_dir)
    if args.resume:
        resume_from(cfg, args.resume)
    if args.compile and cfg.get('strategy'):
        raise InputError(
            '--compile does not go with strategy in the config: leave one of them out.'
        )
    if args.amp:
        use_mixed_precision(cfg)
    if args.auto_scale_lr:
        scale_lr(cfg)
    if local_rank() == 0:
        findings = check_training(cfg, args.trust)
    if process_rank() == 0:
        check_work_dir(cfg.work_dir, bool(args.resume or cfg.get('resume')), args.overwrite)
        check_room(cfg, findings.model)
        if args.dry_run:
            summary = summarise(cfg, findings, process_count())
    prepare_devices(cfg, args.launcher)
    if args.dry_run:
        if process_rank() == 0:
            Console().print(summary)
        return
    runner = build_runner(cfg)
    check_loader(runner.train_dataloader)
    if args.compile:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        model.backbone.compile()
    if args.overwrite and process_rank() == 0:
        forget_run(cfg.work_dir)
    runner.train()


def resume_from(cfg: Config, checkpoint: str) -> None:
    """Continues from a checkpoint, 'auto' for the last of the work dir; where
    there is none yet, the run starts as the config says."""
    if checkpoint == 'auto':
        mark = Path(cfg.work_dir) / 'last_checkpoint'
        checkpoint = mark.read_text().strip() if mark.exists() else ''
        if checkpoint and not Path(checkpoint).is_file():
            # the folder was moved, or this is another working directory
            checkpoint = str(mark.with_name(Path(checkpoint).name))
    if checkpoint:
        cfg.resume, cfg.load_from = True, checkpoint
    elif process_rank() == 0:
        print(f'--resume: {cfg.work_dir} holds no checkpoint yet, the run starts anew')


def use_mixed_precision(cfg: Config) -> None:
    """float16 with loss scaling where there is a GPU, else bfloat16."""
    wrapper = cfg.optim_wrapper
    if wrapper.get('type') == 'vitae_mm.BFloat16OptimWrapper':
        raise InputError(
            f'--amp: optim_wrapper type {wrapper.type!r} computes in mixed precision '
            'already: leave --amp out.'
        )
    if wrapper.get('type', 'OptimWrapper') not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise InputError(
            f'--amp: optim_wrapper type {wrapper.type!r} has no mixed precision of '
            'ours: leave --amp out, or use OptimWrapper.'
        )
    if torch.cuda.is_available():
        wrapper.type = 'AmpOptimWrapper'
        wrapper.setdefault('loss_scale', 'dynamic')
    else:
        wrapper.type = 'vitae_mm.BFloat16OptimWrapper'
        for scaling in ('loss_scale', 'dtype'):
            wrapper.pop(scaling, None)


def scale_lr(cfg: Config) -> None:
    """Has mmengine scale the learning rate to the total batch size."""
    if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
        raise InputError(
            '--auto-scale-lr: the config does not say for which batch size its '
            'learning rate is. Add auto_scale_lr=dict(base_batch_size=16).'
        )
    cfg.auto_scale_lr.enable = True


if __name__ == '__main__':
    main()
