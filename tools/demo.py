#!/usr/bin/env python
"""Draws predictions: classes, boxes and masks, segmentation maps, poses, or reconstructions of
masked autoencoders.

    python tools/demo.py CONFIG CHECKPOINT INPUT... --out DIR [--sheet sheet.png]

An input is an image, a video, or a folder of them. The config sets the task.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import mmengine
import numpy as np
from matplotlib.figure import Figure
from rich.progress import Progress

from vitae_mm.engine.cli import (
    add_device_argument,
    add_model_arguments,
    check_device,
    check_plot_path,
    reports_input_errors,
    tool_parser,
)
from vitae_mm.engine.config import load_config
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically
from vitae_mm.visualization import Painter, build_painter
from vitae_mm.visualization.coco_boxes import CocoBoxes
from vitae_mm.visualization.contact_sheet import contact_sheet, evenly_spaced, write_sheet
from vitae_mm.visualization.media import Job, Video, plan_jobs, read_image, write_image, write_video

MAX_REPORTED = 5
"""Number of failed inputs that the error message names."""

MAX_SHEET = 24
"""Number of pictures on the contact sheet."""


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    add_model_arguments(parser)
    parser.add_argument('inputs', nargs='+', type=Path, help='images, videos, or folders of them')
    parser.add_argument('--out', type=Path, required=True, help='folder to draw into')
    add_device_argument(parser)
    parser.add_argument(
        '--score-thr', type=float, help='minimum score of drawn boxes and keypoints; default: 0.3'
    )
    parser.add_argument(
        '--boxes',
        type=Path,
        help='COCO annotation file with the boxes to find poses in; default: the whole image',
    )
    parser.add_argument(
        '--json',
        action='store_true',
        help='also write the predictions, one line per image or frame',
    )
    parser.add_argument(
        '--sheet',
        type=Path,
        help=f'also draw up to {MAX_SHEET} images, evenly spaced, into this one picture',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace files in DIR, and SHEET')
    parser.add_argument(
        '--fuse',
        action='store_true',
        help='fold batch norms and pair narrow groups: faster, same predictions',
    )
    return parser.parse_args()


@reports_input_errors
def main() -> None:
    args = parse_args()
    jobs = plan_jobs(args.inputs, args.out, args.overwrite)
    if args.sheet:
        check_sheet(args.sheet, jobs, args.overwrite)
    check_device(args.device)
    boxes = CocoBoxes(args.boxes) if args.boxes else None
    cfg = load_config(args.config, args.cfg_options)
    painter = build_painter(
        cfg,
        args.checkpoint,
        device=args.device,
        score_thr=args.score_thr,
        trust=args.trust,
        fuse=args.fuse,
    )
    if boxes and not painter.takes_boxes:
        raise InputError(
            f'--boxes {args.boxes}: only pose estimators use boxes, but this config is for '
            f'{cfg.default_scope}; remove it.'
        )
    with Progress() as progress:
        errors = [
            draw(job, painter, boxes=boxes, with_records=args.json, progress=progress)
            for job in progress.track(jobs, description='drawing')
        ]
    failures = [str(error) for error in errors if error]
    drawn = [job for job, error in zip(jobs, errors, strict=True) if not error and not job.is_video]
    if args.sheet and drawn:
        write_sheet(drawn_sheet(drawn, painter), args.sheet)
        print(f'contact sheet: {args.sheet}')
    if failures:
        raise InputError(
            f'{len(failures)} of {len(jobs)} inputs could not be drawn: '
            + ' '.join(failures[:MAX_REPORTED])
        )
    print(f'drew {len(jobs)} inputs into {args.out}')


def check_sheet(path: Path, jobs: Sequence[Job], overwrite: bool) -> None:
    """Raises InputError if the contact sheet cannot be written, or would be empty."""
    check_plot_path(path)
    if all(job.is_video for job in jobs):
        raise InputError('--sheet: the inputs contain no images, only videos; remove it.')
    if path.exists() and not overwrite:
        raise InputError(f'--sheet {path} exists: choose another file, or add --overwrite.')


def drawn_sheet(images: Sequence[Job], painter: Painter) -> Figure:
    """Puts drawn images into one picture."""
    shown = [images[i] for i in evenly_spaced(len(images), MAX_SHEET)]
    pictures = [(job.source.name, read_image(job.target)) for job in shown]
    return contact_sheet(pictures, painter.drawer.colors, painter.heading)


def draw(
    job: Job, painter: Painter, *, boxes: CocoBoxes | None, with_records: bool, progress: Progress
) -> InputError | None:
    """Draws an image or, frame by frame, a video; returns the error if it cannot be drawn."""
    images: Iterable[np.ndarray]
    write: Callable[[Iterable[np.ndarray]], None]
    try:
        options = dict(boxes=boxes[job.source]) if boxes else {}
        if job.is_video:
            video = Video(job.source)
            images = progress.track(video, total=video.length, description=job.source.name)
            write = partial(write_video, path=job.target, rate=video.rate)
        else:
            images = [read_image(job.source)]
            write = partial(write_image, path=job.target)
        painted = (painter.paint(image, **options) for image in images)
        if with_records:
            write_atomically(job.records, lambda path: write(recorded(painted, path)))
        else:
            write(picture for picture, _ in painted)
    except InputError as error:
        return error
    return None


def recorded(painted: Iterable, path: Path) -> Iterator[np.ndarray]:
    """Yields the pictures and writes the predictions, one per line."""
    with path.open('w') as file:
        for picture, prediction in painted:
            file.write(mmengine.dump(prediction, file_format='json') + '\n')
            yield picture


if __name__ == '__main__':
    main()
