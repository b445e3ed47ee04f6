#!/usr/bin/env python
"""Repeats an experiment of the papers: trains and tests its configs with every seed,
and writes a table and a picture. Interrupted, the same command goes on.

    python tools/reproduce.py data_efficiency --preset mini --seeds 0 1 --jobs 2
"""

import argparse
import json
import shlex
import signal
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from rich.console import Console
from rich.live import Live
from rich.table import Table

from vitae_mm.analysis.experiments import EXPERIMENTS, PRESETS, Row, find_rows
from vitae_mm.analysis.reproduction import (
    Run,
    Workers,
    check_request,
    locked,
    plan_runs,
    read_progress,
)
from vitae_mm.analysis.reproduction_report import draw, markdown, summarise
from vitae_mm.engine.cli import reports_input_errors
from vitae_mm.engine.config import load_config
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically, write_text


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='experiments:\n'
        + '\n'.join(
            f'  {name}: {experiment.title} ({", ".join(experiment.presets)})'
            for name, experiment in EXPERIMENTS.items()
        ),
    )
    parser.add_argument('name', metavar='NAME', help='the experiment, of those below')
    parser.add_argument(
        '--preset',
        default='mini',
        help='; '.join(f'{name}: {what}' for name, what in PRESETS.items()) + '; default: mini',
    )
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1], help='default: 0 1')
    parser.add_argument('--jobs', type=int, default=1, help='runs at a time; default: 1')
    parser.add_argument(
        '--work-dir',
        type=Path,
        help='where runs and results go; default: work_dirs/reproduce/<name>_<preset>',
    )
    return parser.parse_args()


@reports_input_errors
def main() -> None:
    args = parse_args()
    if not Path('tools/train.py').is_file():
        raise InputError('there is no tools/train.py here: start from the root of the repository.')
    check_numbers(args)
    rows = find_rows(args.name, args.preset)
    folder = args.work_dir or Path('work_dirs/reproduce') / f'{args.name}_{args.preset}'
    check_folder(folder, rows)
    runs = plan_runs(rows, args.seeds, folder)
    if args.preset == 'paper':
        print_commands(runs)
        return
    if args.preset == 'gpu' and not torch.cuda.is_available():
        raise InputError('--preset gpu: there is no GPU on this machine; give --preset mini.')
    request = dict(
        experiment=args.name,
        preset=args.preset,
        seeds=args.seeds,
        rows={row.label: [asdict(stage) for stage in row.stages] for row in rows},
    )
    epochs = epochs_of(rows)
    with locked(folder) as lock:
        # as JSON gives it back
        check_request(folder, json.loads(json.dumps(request)))
        carry_out(runs, Workers(args.jobs, lock), epochs)
    write_results(args, runs, folder)


def check_numbers(args: argparse.Namespace) -> None:
    if args.jobs < 1:
        raise InputError(f'--jobs {args.jobs}: give a number of 1 or more.')
    if min(args.seeds) < 0 or len(set(args.seeds)) < len(args.seeds):
        raise InputError(f'--seeds {args.seeds}: give different numbers of 0 or more.')


def check_folder(folder: Path, rows: Sequence[Row]) -> None:
    """Raises InputError for a path that cannot be handed on as weights to start from."""
    if any(len(row.stages) > 1 for row in rows) and set(str(folder)) & set(' ,()[]{}\'"='):
        raise InputError(
            f'--work-dir {folder}: its trainings start from each other through '
            '--cfg-options, which takes no spaces, commas, quotes, = or brackets; '
            'choose another.'
        )


def epochs_of(rows: Sequence[Row]) -> dict[str, int]:
    """Length of the training of each config."""
    configs = {stage.config for row in rows for stage in row.stages}
    return {config: load_config(config).train_cfg.max_epochs for config in configs}


def carry_out(runs: Sequence[Run], workers: Workers, epochs: dict[str, int]) -> None:
    """Does the runs that are left, and shows how far they are."""
    left = [run for run in runs if run.accuracy() is None]
    console = Console()
    for kind in (signal.SIGTERM, signal.SIGHUP):
        # its trainings end too when it is told to end; under nohup it is not
        if signal.getsignal(kind) is not signal.SIG_IGN:
            signal.signal(kind, signal.default_int_handler)

    def report(run: Run) -> None:
        if not console.is_terminal:
            print(f'{run.row.label}, seed {run.seed}: {run.accuracy():.1f}', flush=True)

    try:
        with Live(
            console=console,
            refresh_per_second=1,
            get_renderable=lambda: progress_table(runs, workers, epochs),
        ):
            workers.carry_out(left, report)
    except KeyboardInterrupt:
        raise InputError('interrupted: the same command goes on from here.') from None


def progress_table(runs: Sequence[Run], workers: Workers, epochs: dict[str, int]) -> Table:
    """A line for each run: where it is, how long it still takes, what it came to."""
    done = sum(run.accuracy() is not None for run in runs)
    table = Table(
        'row', 'seed', 'epoch', 'time left', 'top-1 (%)', caption=f'{done} of {len(runs)} done'
    )
    for run in runs:
        accuracy = run.accuracy()
        if accuracy is not None:
            table.add_row(run.row.label, str(run.seed), 'done', '', f'{accuracy:.1f}')
        elif run in workers.busy:
            table.add_row(run.row.label, str(run.seed), *where(run, epochs))
        else:
            table.add_row(run.row.label, str(run.seed), 'waits')
    return table


def where(run: Run, epochs: dict[str, int]) -> tuple[str, str]:
    """Epoch and time left of a run that is going on."""
    stages = run.row.stages
    trained = sum((run.work_dir(stage) / 'trained').exists() for stage in stages)
    if trained == len(stages):
        return 'tests', ''
    stage = f'stage {trained + 1} of {len(stages)}: ' if len(stages) > 1 else ''
    epoch, left = read_progress(run.log) or (0, '')
    return f'{stage}{epoch:.1f} of {epochs[stages[trained].config]}', left


def print_commands(runs: Sequence[Run]) -> None:
    """How to launch the runs on 8 GPUs."""
    for run in runs:
        print(f'# {run.row.label}, seed {run.seed}')
        mark = ''
        for stage in run.row.stages:
            work_dir = shlex.quote(str(run.work_dir(stage)))
            weights = f' model.backbone.init_cfg.checkpoint="$(cat {mark})"' if mark else ''
            options = ' '.join((f'randomness.seed={run.seed}', *stage.options))
            print(
                f'bash tools/dist_train.sh {stage.config} 8 --work-dir {work_dir} '
                f'--cfg-options {options}{weights}'
            )
            mark = f'{work_dir}/last_checkpoint'
        changes = ' '.join(('', '--cfg-options', *stage.options)) if stage.options else ''
        print(
            f'bash tools/dist_test.sh {stage.config} "$(cat {mark})" 8 --work-dir '
            f'{shlex.quote(str(run.folder / "test"))}{changes}'
        )


def write_results(args: argparse.Namespace, runs: Sequence[Run], folder: Path) -> None:
    experiment = EXPERIMENTS[args.name]
    summaries = summarise(experiment, runs)
    table = markdown(summaries)
    text = (
        f'# {experiment.title}\n\n{PRESETS[args.preset]}; top-1 on the test images in percent: '
        f'mean ± half the range over the seeds. The paper measured on ImageNet.\n\n{table}\n'
        f'    python tools/reproduce.py {args.name} --preset {args.preset} --seeds '
        f'{" ".join(map(str, args.seeds))}\n'
    )
    records = [
        dict(
            label=summary.row.label,
            mean=summary.mean,
            spread=summary.spread,
            accuracies=summary.accuracies,
            paper=summary.paper,
        )
        for summary in summaries
    ]
    write_text(folder / 'results.md', text)
    write_atomically(
        folder / 'results.json', lambda path: path.write_text(json.dumps(records, indent=1))
    )
    draw(experiment, summaries, folder / 'results.png')
    print(f'{table}\nwritten: {folder}/results.md, results.json, results.png')


if __name__ == '__main__':
    main()
