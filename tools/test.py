#!/usr/bin/env python
"""Evaluates a checkpoint on the test set of a config.

python tools/test.py CONFIG CHECKPOINT
bash tools/dist_test.sh CONFIG CHECKPOINT PROCESSES

Scores, charts, a contact sheet and the worst images are written to WORK_DIR/report/index.html,
in place of those of an earlier test.
"""

import argparse
from datetime import datetime
from pathlib import Path
from pkgutil import resolve_name

from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner

from vitae_mm.checkpoints import use_safe_reader
from vitae_mm.engine.cli import (
    add_launcher_argument,
    add_model_arguments,
    reports_input_errors,
    tool_parser,
)
from vitae_mm.engine.config import leaf_datasets, load_test_config
from vitae_mm.engine.distributed import adopt_ranks, local_rank, prepare_devices, process_rank
from vitae_mm.engine.hooks.progress import show_progress
from vitae_mm.engine.rehearsal.rules import check_data
from vitae_mm.engine.runner import QuietRunner
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically
from vitae_mm.report import ReportHook, check_folder, print_scores

DEFAULT_DUMP = 'mmengine.evaluator:DumpResults'
DUMPS = dict(mmdet='mmdet.evaluation:DumpDetResults')
"""Classes of the metrics that write predictions, by default_scope."""


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    add_model_arguments(parser)
    parser.add_argument(
        '--work-dir', help='folder for log and report; default: work_dirs/<config>/test'
    )
    parser.add_argument(
        '--out', type=Path, help='also write all predictions to this file, .pkl or .pickle'
    )
    parser.add_argument('--overwrite', action='store_true', help='replace the file of --out')
    parser.add_argument(
        '--show-dir',
        help='draw predictions to this folder, with the ground truth if the codebase supports it; '
        'with several processes, only the images of the first are drawn',
    )
    parser.add_argument(
        '--tta',
        action='store_true',
        help="average predictions over the config's tta_pipeline, such as scales and flips",
    )
    parser.add_argument(
        '--fuse',
        action='store_true',
        help='fold batch norms and pair narrow groups: faster, same predictions',
    )
    add_launcher_argument(parser, 'dist_test.sh and slurm_test.sh')
    return parser.parse_args()


@reports_input_errors
def main() -> None:
    args = parse_args()
    adopt_ranks(args.launcher)
    use_safe_reader(args.trust)
    cfg = load_test_config(args, 'test')
    if args.show_dir:
        draw_predictions(cfg, args.show_dir)
    if args.tta:
        average_views(cfg)
    if args.fuse:
        cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), dict(type='vitae_mm.FuseHook')]
    folder = Path(cfg.work_dir) / 'report'
    check_folder(folder)
    if args.out:
        check_out(args.out, args.overwrite)
    if local_rank() == 0:
        check_data(cfg, ('test',))
    prepare_devices(cfg, args.launcher)
    runner = QuietRunner.from_cfg(cfg)
    about = dict(
        config=args.config, checkpoint=args.checkpoint, date=f'{datetime.now():%Y-%m-%d %H:%M}'
    )
    hook = ReportHook(folder, about)
    runner.register_hook(hook)
    with show_progress(runner):
        if args.out:
            dump_predictions(runner, args.out)
        else:
            runner.test()
    if hook.report:
        print_scores(hook.report)
        if args.out:
            print(f'predictions: {args.out}')
        if hook.report.page:
            print(f'report: {hook.report.page}')


def check_out(path: Path, overwrite: bool) -> None:
    """Raises InputError if predictions cannot be written to a file."""
    if path.suffix not in ('.pkl', '.pickle'):
        raise InputError(f'--out {path}: give a file name that ends in .pkl or .pickle.')
    if path.exists() and not overwrite:
        raise InputError(f'--out {path} exists: choose another file, or add --overwrite.')


def dump_predictions(runner: Runner, path: Path) -> None:
    """Tests, and writes the predictions of all processes.

    Raises:
        InputError: If the evaluator is not mmengine's, such as mmpose's for several datasets, which
            does not pass predictions to further metrics.
    """
    if type(runner.test_evaluator) is not Evaluator:
        raise InputError(
            f'--out {path}: predictions cannot be written with a test_evaluator of type '
            f'{type(runner.test_evaluator).__name__}: test one dataset at a time, or remove --out.'
        )
    # mmdet's encodes masks, which would be large
    dump_type = resolve_name(DUMPS.get(runner.cfg.get('default_scope'), DEFAULT_DUMP))

    def test(file: Path) -> None:
        runner.test_evaluator.metrics.append(dump_type(out_file_path=str(file)))
        runner.test()

    if process_rank() == 0:
        write_atomically(path, test)
    else:
        test(path)  # only the first process writes


def draw_predictions(cfg: Config, folder: str) -> None:
    """Makes the codebase's visualization hook draw every image."""
    # mmengine would resolve a relative path against the log folder
    folder = str(Path(folder).absolute())
    drawing = dict(
        DetVisualizationHook=dict(draw=True, test_out_dir=folder),
        SegVisualizationHook=dict(draw=True),
        PoseVisualizationHook=dict(enable=True, out_dir=folder),
        VisualizationHook=dict(enable=True, interval=1, out_dir=folder),
    )
    hook = cfg.get('default_hooks', {}).get('visualization', {})
    if hook.get('type') not in drawing:
        raise InputError(
            f'--show-dir: default_hooks.visualization of the config is {hook.get("type")!r}; give '
            f'one of {list(drawing)}.'
        )
    hook.update(drawing[hook['type']])
    if hook['type'] == 'SegVisualizationHook':
        cfg.visualizer.save_dir = folder


def average_views(cfg: Config) -> None:
    """Wraps the model with the config's test-time augmentation."""
    missing = [name for name in ('tta_model', 'tta_pipeline') if name not in cfg]
    if missing:
        raise InputError(
            f'--tta: the config has no {missing}: add them, as in '
            'configs/_base_/datasets/ade20k_512.py and configs/_base_/runtime/seg.py.'
        )
    for dataset in leaf_datasets(cfg.test_dataloader):
        dataset.pipeline = cfg.tta_pipeline
    cfg.model = dict(**cfg.tta_model, module=cfg.model)


if __name__ == '__main__':
    main()
