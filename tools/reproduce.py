#!/usr/bin/env python
"""Repeats an experiment of the papers, or compares backbones on small data: trains and tests
every row with every seed, and writes tables, CSV files and plots. Running the same command again
continues where it stopped.

    python tools/reproduce.py data_efficiency --preset mini --seeds 0 1 --jobs 2
"""

import argparse
import shlex
import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path

import torch
from rich.console import Console
from rich.live import Live
from rich.table import Table

from vitae_mm.analysis.experiment import Metric, Row, start_options
from vitae_mm.analysis.experiments import EXPERIMENTS, PRESETS, find_rows
from vitae_mm.analysis.papers import Figures
from vitae_mm.analysis.reproduction import (
    Run,
    Workers,
    check_request,
    locked,
    plan_request,
    plan_runs,
    plan_searches,
    read_progress,
    with_best_rates,
)
from vitae_mm.analysis.reproduction_report import (
    collect_curves,
    collect_results,
    draw,
    draw_curves,
    markdown,
    search_table,
    write_curves,
    write_scores,
)
from vitae_mm.engine.cli import reports_input_errors, tool_parser
from vitae_mm.errors import InputError
from vitae_mm.io import write_text


def parse_args() -> argparse.Namespace:
    parser = tool_parser(
        __doc__,
        epilog='experiments:\n'
        + '\n'.join(
            f'  {name}: {experiment.title} ({", ".join(experiment.presets)})'
            for name, experiment in EXPERIMENTS.items()
        ),
    )
    parser.add_argument('name', metavar='NAME', help='one of the experiments below')
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
        help='folder of runs and results; default: work_dirs/reproduce/<name>_<preset>',
    )
    return parser.parse_args()


@reports_input_errors
def main() -> None:
    args = parse_args()
    if not Path('tools/train.py').is_file():
        raise InputError('tools/train.py not found: run this tool from the root of the repository.')
    check_numbers(args)
    rows = find_rows(args.name, args.preset)
    folder = args.work_dir or Path('work_dirs/reproduce') / f'{args.name}_{args.preset}'
    check_folder(folder, rows)
    experiment = EXPERIMENTS[args.name]
    if args.preset == 'paper':
        print_commands(plan_runs(rows, args.seeds, folder), experiment.paper)
        return
    check_starting_weights(rows)
    if args.preset == 'gpu' and not torch.cuda.is_available():
        raise InputError('--preset gpu: this machine has no GPU; give --preset mini.')
    searches = plan_searches(rows, folder)
    trials = [run for runs in searches.values() for run in runs.values()]
    request = plan_request(args.name, args.preset, rows, args.seeds)
    with locked(folder) as lock:
        check_request(folder, request)
        carry_out(trials, Workers(args.jobs, lock), experiment.metric)
        runs = plan_runs(with_best_rates(rows, searches, experiment.metric), args.seeds, folder)
        try:
            carry_out(runs, Workers(args.jobs, lock), experiment.metric)
        finally:  # also of what is finished before an interrupt
            write_results(args, trials, runs, folder)


def check_numbers(args: argparse.Namespace) -> None:
    if args.jobs < 1:
        raise InputError(f'--jobs {args.jobs}: give a whole number, 1 or more.')
    if min(args.seeds) < 0 or len(set(args.seeds)) < len(args.seeds):
        raise InputError(f'--seeds {args.seeds}: give different whole numbers, 0 or more.')


def check_folder(folder: Path, rows: Sequence[Row]) -> None:
    """Raises InputError if a checkpoint in the folder cannot be passed in --cfg-options."""
    if any(len(row.trainings) > 1 for row in rows) and set(str(folder)) & set(' ,()[]{}\'"='):
        raise InputError(
            f'--work-dir {folder}: the experiment passes checkpoints in this folder through '
            '--cfg-options, which takes no spaces, commas, quotes, = or brackets; choose another '
            'folder.'
        )


def check_starting_weights(rows: Sequence[Row]) -> None:
    """Raises InputError if checkpoints that rows start from do not exist."""
    missing = [start for row in rows if (start := row.trainings[0].start) and not start.is_file()]
    if missing:
        configs = [next(Path('configs').rglob(f'{start.parent.name}.py'), '?') for start in missing]
        raise InputError(
            f'starting weights {", ".join(map(str, missing))} do not exist: run first '
            + ' and '.join(f'`python tools/train.py {config} --amp`' for config in configs)
            + '.'
        )


def carry_out(runs: Sequence[Run], workers: Workers, metric: Metric) -> None:
    """Carries out the unfinished runs and shows their progress."""
    unfinished = [run for run in runs if run.metrics() is None]
    if not unfinished:
        return
    console = Console()
    for kind in (signal.SIGTERM, signal.SIGHUP):
        # terminate the trainings too; nohup ignores SIGHUP
        if signal.getsignal(kind) is not signal.SIG_IGN:
            signal.signal(kind, signal.default_int_handler)

    def report(run: Run) -> None:
        if not console.is_terminal:
            print(f'{run.row.label}, seed {run.seed}: {outcome(run, metric)}', flush=True)

    try:
        with Live(
            console=console,
            refresh_per_second=1,
            get_renderable=lambda: progress_table(runs, workers.futures, metric),
        ):
            workers.carry_out(unfinished, report)
    except KeyboardInterrupt:
        raise InputError('interrupted: the same command continues from here.') from None


def outcome(run: Run, metric: Metric) -> str:
    """Returns the score of a run, or that it diverged; nothing before it is finished."""
    metrics = run.metrics()
    score = metric.read(metrics or {})
    if score is None:
        return '' if metrics is None else 'diverged'
    return f'{score:.1f}'


def progress_table(runs: Sequence[Run], futures: Mapping[Run, Future], metric: Metric) -> Table:
    """Returns a table with progress, time left and score of each run."""
    outcomes = {run: outcome(run, metric) for run in runs}
    columns = 'row', 'seed', 'epoch', 'time left', metric.title
    table = Table(*columns, caption=f'{sum(map(bool, outcomes.values()))} of {len(runs)} done')
    for run, score in outcomes.items():
        state: tuple[str, ...] = ('waiting',)
        if score:
            state = 'done', '', score
        elif run in futures and futures[run].running():
            state = progress_of(run)
        table.add_row(run.row.label, str(run.seed), *state)
    return table


def progress_of(run: Run) -> tuple[str, str]:
    """Returns the epoch and the time left of a run in progress."""
    trainings, finished = run.row.trainings, run.finished_trainings()
    if finished == len(trainings):
        return 'testing', ''
    training = trainings[finished]
    epochs, (epoch, seconds) = training.epochs(), read_progress(run.work_dir(training))
    left = '' if seconds is None else str(timedelta(seconds=round((epochs - epoch) * seconds)))
    number = f'training {finished + 1} of {len(trainings)}: ' if len(trainings) > 1 else ''
    return f'{number}{epoch:.1f} of {epochs}', left


def print_commands(runs: Sequence[Run], paper: Figures) -> None:
    """Prints the commands that train and test the runs on 8 GPUs, and the paper's figures."""
    for run in runs:
        figure = paper.rows.get(run.row.label)
        expected = '' if figure is None else f'; paper: {figure} ({paper.source})'
        print(f'# {run.row.label}, seed {run.seed}{expected}')
        mark = ''
        for training in run.row.trainings:
            work_dir = shlex.quote(str(run.work_dir(training)))
            options = shlex.join([f'randomness.seed={run.seed}', *training.options])
            weights = start_options(f'"$(cat {mark})"') if mark else ()
            print(
                f'bash tools/dist_train.sh {training.config} 8 --work-dir {work_dir} '
                f'--cfg-options {" ".join([options, *weights])}'
            )
            mark = f'{work_dir}/last_checkpoint'
        options = shlex.join(('--cfg-options', *training.options)) if training.options else ''
        print(
            f'bash tools/dist_test.sh {training.config} "$(cat {mark})" 8 --work-dir '
            f'{shlex.quote(str(run.folder / "test"))} {options}'.rstrip()
        )


def write_results(
    args: argparse.Namespace, trials: Sequence[Run], runs: Sequence[Run], folder: Path
) -> None:
    """Writes and prints the table, writes the scores and draws the plots."""
    experiment = EXPERIMENTS[args.name]
    results = collect_results(experiment, runs)
    if not results:
        return
    table = markdown(experiment, results)
    text = (
        f'# {experiment.title}\n\n{PRESETS[args.preset]}; {experiment.metric.title}: mean ± '
        f'standard deviation over the seeds.'
    )
    if experiment.paper.source:
        text += f' The paper measured on ImageNet ({experiment.paper.source}).'
    written = 'results.md, results.csv, results.png'
    if trials:
        searched = collect_results(experiment, trials)
        write_scores(experiment, searched, folder / 'search.csv')
        written += ', search.csv'
        text += '\n\nThe learning rate that is best on the held-out training images is taken:\n\n'
        text += search_table(experiment, searched)
    text += (
        f'\n{table}\n    python tools/reproduce.py {args.name} --preset {args.preset} --seeds '
        f'{" ".join(map(str, args.seeds))}\n'
    )
    write_text(folder / 'results.md', text)
    write_scores(experiment, results, folder / 'results.csv')
    draw(experiment, results, folder / 'results.png')
    curves = collect_curves(experiment.metric, runs)
    if any(len(shares) > 1 for shares in curves.values()):
        write_curves(experiment.metric, curves, folder / 'curves.csv')
        draw_curves(experiment.metric, curves, folder / 'curves.png')
        written += ', curves.csv, curves.png'
    print(f'{table}\nwritten: {folder}/{written}')


if __name__ == '__main__':
    main()
