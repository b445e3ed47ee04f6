#!/usr/bin/env python
"""Plots logged values of several runs in one picture, a panel for each value.

    python tools/analysis/plot_logs.py work_dirs/A work_dirs/B --out curves.png \
        [--keys loss accuracy/top1] [--labels A B]

A run is its work dir. Where a step was logged twice, as in a run that was
continued, the later value counts.
"""

import argparse
import json
from pathlib import Path

import matplotlib

from vitae_mm.engine.cli import check_picture, reports_input_errors
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically

matplotlib.use('Agg')
from matplotlib import pyplot as plt

KEYS = ('loss', 'lr', 'accuracy/top1', 'coco/bbox_mAP', 'coco/segm_mAP', 'mIoU', 'coco/AP', 'PCK')
"""What is shown by default: loss, learning rate, and the first metrics of the
codebases."""


@reports_input_errors
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('runs', nargs='+', type=Path, help='work dirs of mmengine')
    parser.add_argument(
        '--keys',
        nargs='+',
        help='logged values, one panel each; default: of '
        f'{", ".join(KEYS)} those that all runs logged',
    )
    parser.add_argument('--labels', nargs='+', help='one for each run; default: its folder')
    parser.add_argument('--out', type=Path, required=True, help='picture to write')
    args = parser.parse_args()
    check_picture(args.out)
    labels = args.labels or [run.name for run in args.runs]
    if len(labels) != len(args.runs):
        raise InputError(f'--labels {labels}: give one for each of the {len(args.runs)} runs.')
    logs = [read_scalars(run) for run in args.runs]
    keys = args.keys or shared_keys(logs)
    figure, panels = plt.subplots(
        1, len(keys), figsize=(4.5 * len(keys), 3.8), squeeze=False, layout='constrained'
    )
    for panel, key in zip(panels[0], keys):
        for run, label, log in zip(args.runs, labels, logs):
            panel.plot(*curve(log, key, run), marker='.', label=label)
        panel.set(xlabel='epoch' if has_epochs(logs, key) else 'iteration', ylabel=key)
        panel.grid(alpha=0.3)
    # below: curves fill the panels
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc='outside lower center', ncols=3)
    write_atomically(args.out, lambda path: figure.savefig(path, dpi=150))
    print(f'written: {args.out}')


def read_scalars(run: Path) -> list[dict]:
    """Every logged line of a work dir, oldest first."""
    files = sorted(run.glob('*/vis_data/scalars.json'))
    if not files:
        raise InputError(f'{run} holds no */vis_data/scalars.json: give the work dir of a run.')
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def shared_keys(logs: list[list[dict]]) -> list[str]:
    """Those of :data:`KEYS` that every run logged."""
    keys = [key for key in KEYS if all(any(key in line for line in log) for log in logs)]
    if not keys:
        known = sorted(set.intersection(*({key for line in log for key in line} for log in logs)))
        raise InputError(
            f'none of {", ".join(KEYS)} was logged by all runs: give --keys, of {known}.'
        )
    return keys


def has_epochs(logs: list[list[dict]], key: str) -> bool:
    """Whether ``key`` was logged at the end of epochs, as metrics are; runs
    counted in iterations have none."""
    epochs = any('epoch' in line for log in logs for line in log)
    return epochs and all('epoch' not in line for log in logs for line in log if key in line)


def curve(log: list[dict], key: str, run: Path) -> tuple[list[float], list[float]]:
    """Steps and values of one key."""
    points = {line['step']: line[key] for line in log if key in line}
    if not points:
        known = sorted({name for line in log for name in line})
        raise InputError(f'{run} did not log {key!r}: choose from {known}.')
    return [list(column) for column in zip(*sorted(points.items()))]


if __name__ == '__main__':
    main()
