#!/usr/bin/env python
"""Evaluates a checkpoint on the config's test set.

    python tools/test.py CONFIG CHECKPOINT
    bash tools/dist_test.sh CONFIG CHECKPOINT PROCESSES
"""
import argparse
import os

from mmengine.config import DictAction
from mmengine.runner import Runner

from vitae_mm.checkpoints import use_safe_reader
from vitae_mm.engine.cli import load_config, reports_input_errors
from vitae_mm.engine.distributed import prepare_devices
from vitae_mm.engine.preflight import check_data


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='a checkpoint that training wrote, or a converted one')
    parser.add_argument('--work-dir', help='where the log goes; default: work_dirs/<config>')
    parser.add_argument('--show-dir', help='draw predictions beside ground truth into this folder')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override config entries')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm'], default='none',
                        help='set by dist_test.sh and slurm_test.sh')
    # some launchers pass it; the environment says it too
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0,
                        help=argparse.SUPPRESS)
    return parser.parse_args()


@reports_input_errors
def main() -> None:
    args = parse_args()
    use_safe_reader()
    cfg = load_config(args.config, args.cfg_options, args.work_dir)
    cfg.load_from = args.checkpoint
    cfg.resume = False
    if args.show_dir:
        visualization = cfg.default_hooks.visualization
        visualization.draw = True
        visualization.test_out_dir = args.show_dir
    if int(os.environ.get('RANK', 0)) == 0:
        check_data(cfg, ('test', ))
    prepare_devices(cfg, args.launcher)
    Runner.from_cfg(cfg).test()


if __name__ == '__main__':
    main()
