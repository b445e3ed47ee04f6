#!/usr/bin/env python
"""Trains a config of mmdet, mmseg, mmpose or mmpretrain.

python tools/train.py CONFIG [options]
bash tools/dist_train.sh CONFIG PROCESSES [options]
"""

import argparse

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.model import is_model_wrapper
from rich.console import Console

from vitae_mm.checkpoints import use_safe_reader
from vitae_mm.engine.cli import (
    add_config_argument,
    add_launcher_argument,
    add_trust_argument,
    reports_input_errors,
    tool_parser,
)
from vitae_mm.engine.compilation import MODES, compile_backbone
from vitae_mm.engine.config import load_config, type_name
from vitae_mm.engine.distributed import (
    adopt_ranks,
    from_rank_0,
    local_rank,
    prepare_devices,
    process_count,
    process_rank,
)
from vitae_mm.engine.hooks.progress import show_progress
from vitae_mm.engine.optim.mixed_precision import AMP_DTYPES, choose_dtype
from vitae_mm.engine.rehearsal.findings import check_training
from vitae_mm.engine.rehearsal.report import Report
from vitae_mm.engine.rehearsal.rules import check_loader, check_room, check_work_dir, forget_run
from vitae_mm.engine.rehearsal.run import rehearse
from vitae_mm.engine.rehearsal.summary import summarize_training
from vitae_mm.engine.resume import resume_as_rank_0
from vitae_mm.engine.runner import build_runner
from vitae_mm.errors import InputError


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--work-dir', help='folder for logs and checkpoints; default: work_dirs/<config>'
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='resume the run in the work dir, or from CHECKPOINT',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace an earlier run in the work dir'
    )
    parser.add_argument(
        '--amp',
        nargs='?',
        const='auto',
        choices=AMP_DTYPES,
        help='mixed precision: bfloat16, or float16 with loss scaling; default: bfloat16 where the '
        'device has it; give it after CONFIG',
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate to the total batch size',
    )
    parser.add_argument(
        '--compile',
        nargs='?',
        const='default',
        choices=MODES,
        metavar='MODE',
        help=f'torch.compile the backbone, in a mode of {", ".join(MODES)}',
    )
    parser.add_argument(
        '--dry-run',
        action='store_true',
        help='run all checks and print a summary of the training without starting it; writes no '
        'files',
    )
    parser.add_argument(
        '--no-rehearsal',
        action='store_true',
        help='start without running data, model, evaluators and hooks in miniature first',
    )
    add_trust_argument(parser)
    add_config_argument(parser)
    add_launcher_argument(parser, 'dist_train.sh and slurm_train.sh')
    return parser.parse_args()


@reports_input_errors
def main() -> None:
    args = parse_args()
    adopt_ranks(args.launcher)
    use_safe_reader(args.trust)
    if args.resume and args.overwrite:
        raise InputError(
            '--resume continues the run in the work dir, --overwrite replaces it: give only one.'
        )
    cfg = load_config(args.config, args.cfg_options, args.work_dir)
    if args.resume or cfg.get('resume'):
        finished = resume_as_rank_0(cfg, args.resume, args.trust)
        if finished:
            if process_rank() == 0:
                print(finished)
            return
    if args.compile and cfg.get('strategy'):
        raise InputError('--compile does not support a strategy in the config: remove one of them.')
    if args.amp:
        use_mixed_precision(cfg, args.amp)
    if args.auto_scale_lr:
        scale_lr(cfg)
    if local_rank() == 0:
        findings = check_training(cfg, args.trust)
    if process_rank() == 0:
        check_work_dir(cfg.work_dir, bool(args.resume or cfg.get('resume')), args.overwrite)
        check_room(cfg, findings.model)
        report = Report()
        if args.dry_run or not args.no_rehearsal:
            report = rehearse(cfg, findings, process_count(), data_only=args.no_rehearsal)
        if args.dry_run:
            summary = summarize_training(cfg, findings, report, processes=process_count())
        elif not args.no_rehearsal:
            print('\n'.join(['the rehearsal passed', *map('remark: {}'.format, report.remarks)]))
    from_rank_0('rehearsal')
    prepare_devices(cfg, args.launcher)
    if args.dry_run:
        if process_rank() == 0:
            Console().print(summary)
        return
    runner = build_runner(cfg)
    check_loader(runner.train_dataloader)
    if args.compile:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        compile_backbone(model.backbone, args.compile)
    if args.overwrite and process_rank() == 0:
        forget_run(cfg.work_dir)
    with show_progress(runner):
        runner.train()


def use_mixed_precision(cfg: Config, dtype: str) -> None:
    """Makes the optimizer wrapper run the model under autocast to ``dtype``."""
    wrapper = cfg.optim_wrapper
    choices = ('OptimWrapper', 'AmpOptimWrapper', 'MixedPrecisionOptimWrapper')
    if (type_name(wrapper) or choices[0]) not in choices:
        raise InputError(
            f'--amp: optim_wrapper type {wrapper.type!r} is not supported: remove --amp, or use '
            f'one of {choices}.'
        )
    wrapper.pop('use_fsdp', None)  # an option of AmpOptimWrapper
    wrapper.type, wrapper.dtype = 'vitae_mm.MixedPrecisionOptimWrapper', dtype
    choose_dtype(dtype, get_device())


def scale_lr(cfg: Config) -> None:
    """Makes mmengine scale the learning rate to the total batch size."""
    if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
        raise InputError(
            '--auto-scale-lr: the config does not define the batch size of its learning rate: add '
            'it, for example auto_scale_lr=dict(base_batch_size=16).'
        )
    cfg.auto_scale_lr.enable = True


if __name__ == '__main__':
    main()
