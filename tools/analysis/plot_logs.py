#!/usr/bin/env python
"""Plots logged values of one or more runs in one picture, with a panel for each value.

    python tools/analysis/plot_logs.py work_dirs/A work_dirs/B --out curves.png \
        [--keys loss accuracy/top1] [--labels A B]

Each run is given by its work dir. If a step was logged twice, as in a resumed run,
the later value is plotted.
"""

from pathlib import Path

from matplotlib.figure import Figure

from vitae_mm.analysis.reproduction import read_scalars
from vitae_mm.engine.cli import check_plot_path, reports_input_errors, tool_parser
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically

KEYS = ('loss', 'lr', 'accuracy/top1', 'coco/bbox_mAP', 'coco/segm_mAP', 'mIoU', 'coco/AP', 'PCK')
"""Values shown by default: loss, learning rate, and the main metrics of the codebases."""


@reports_input_errors
def main() -> None:
    parser = tool_parser(__doc__)
    option = parser.add_argument
    option('runs', nargs='+', type=Path, help='work dirs of mmengine')
    values = f'logged values; default: those of {", ".join(KEYS)} that all runs logged'
    option('--keys', nargs='+', help=values)
    option('--labels', nargs='+', help='one label for each run; default: the name of its folder')
    option('--out', type=Path, required=True, help='picture to write')
    args = parser.parse_args()
    check_plot_path(args.out)
    labels = args.labels or [run.name for run in args.runs]
    if len(labels) != len(args.runs):
        raise InputError(f'--labels {labels}: give one for each of the {len(args.runs)} runs.')
    logs = [read_log(run) for run in args.runs]
    keys = args.keys or shared_keys(logs)
    figure = Figure(figsize=(4.5 * len(keys), 3.8), layout='constrained')
    panels = figure.subplots(1, len(keys), squeeze=False)[0]
    for panel, key in zip(panels, keys, strict=True):
        for run, label, log in zip(args.runs, labels, logs, strict=True):
            panel.plot(*curve(log, key, run), marker='.', label=label)
        panel.set(xlabel='epoch' if has_epochs(logs, key) else 'iteration', ylabel=key)
        panel.grid(alpha=0.3)
    # below the panels, because curves fill them
    figure.legend(*panels[0].get_legend_handles_labels(), loc='outside lower center', ncols=3)
    write_atomically(args.out, lambda path: figure.savefig(path, dpi=150))
    print(f'written: {args.out}')


def read_log(run: Path) -> list[dict]:
    """Returns all logged lines of a work dir."""
    lines = read_scalars(run)
    if not lines:
        raise InputError(f'{run} has no */vis_data/scalars.json: give the work dir of a run.')
    return lines


def shared_keys(logs: list[list[dict]]) -> list[str]:
    """Returns those of :data:`KEYS` that every run logged."""
    keys = [key for key in KEYS if all(any(key in line for line in log) for log in logs)]
    if not keys:
        known = sorted(set.intersection(*({key for line in log for key in line} for log in logs)))
        raise InputError(
            f'none of {", ".join(KEYS)} was logged by all runs: give --keys from {known}.'
        )
    return keys


def has_epochs(logs: list[list[dict]], key: str) -> bool:
    """Tells whether ``key`` was logged at the end of epochs, like metrics; runs counted in
    iterations have no epochs."""
    epochs = any('epoch' in line for log in logs for line in log)
    return epochs and all('epoch' not in line for log in logs for line in log if key in line)


def curve(log: list[dict], key: str, run: Path) -> list[list[float]]:
    """Returns steps and values of a key."""
    points = {line['step']: line[key] for line in log if key in line}
    if not points:
        known = sorted({name for line in log for name in line})
        raise InputError(f'{run} did not log {key!r}: choose from {known}.')
    return [list(column) for column in zip(*sorted(points.items()), strict=True)]


if __name__ == '__main__':
    main()
