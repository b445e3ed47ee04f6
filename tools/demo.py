#!/usr/bin/env python
"""Draws what a model predicts: class, boxes and masks, map, skeleton, or patches
that were masked.

    python tools/demo.py CONFIG CHECKPOINT INPUT... --out DIR

An input is an image, a video, or a folder of them. The task is the config's.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import mmengine
import numpy as np
from rich.progress import Progress

from vitae_mm.engine.cli import (
    add_config_argument,
    add_device_argument,
    add_trust_argument,
    check_device,
    reports_input_errors,
)
from vitae_mm.engine.config import load_config
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically
from vitae_mm.visualization import build_painter
from vitae_mm.visualization.boxes import Boxes
from vitae_mm.visualization.media import Job, Video, plan, read_image, write_image, write_video

SHOWN = 5
"""How many inputs that cannot be drawn the message names."""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='a checkpoint that training wrote, or a converted one')
    parser.add_argument('inputs', nargs='+', type=Path, help='images, videos, folders of them')
    parser.add_argument('--out', type=Path, required=True, help='folder to draw into')
    add_device_argument(parser)
    parser.add_argument(
        '--score-thr',
        type=float,
        help='least score of boxes and keypoints that are drawn; default: 0.3',
    )
    parser.add_argument(
        '--boxes',
        type=Path,
        help='COCO annotation file: where in the images to '
        'look for skeletons; default: the whole image',
    )
    parser.add_argument(
        '--json',
        action='store_true',
        help='also write the predictions, a line for each image or frame',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace what is in DIR')
    parser.add_argument(
        '--fuse',
        action='store_true',
        help='fold batch norms and pair narrow groups first: faster, same predictions',
    )
    add_trust_argument(parser)
    add_config_argument(parser)
    return parser.parse_args()


@reports_input_errors
def main() -> None:
    args = parse_args()
    jobs = plan(args.inputs, args.out, args.overwrite)
    check_device(args.device)
    boxes = Boxes(args.boxes) if args.boxes else None
    cfg = load_config(args.config, args.cfg_options)
    painter = build_painter(
        cfg, args.checkpoint, args.device, args.score_thr, args.trust, args.fuse
    )
    if boxes and not painter.takes_boxes:
        raise InputError(
            f'--boxes {args.boxes}: only skeletons are looked for in boxes, and this '
            f'config is of {cfg.default_scope}; leave it out.'
        )
    failures = []
    with Progress() as progress:
        for job in progress.track(jobs, description='drawing'):
            try:
                options = dict(boxes=boxes[job.source]) if boxes else {}
                draw(job, partial(painter.paint, **options), args.json, progress)
            except InputError as error:
                failures.append(str(error))
    if failures:
        raise InputError(
            f'{len(failures)} of {len(jobs)} inputs could not be drawn: '
            + ' '.join(failures[:SHOWN])
        )
    print(f'{len(jobs)} drawn into {args.out}')


def draw(job: Job, paint: Callable, with_records: bool, progress: Progress) -> None:
    """Draws an image or, frame by frame, a video."""
    if job.is_video:
        video = Video(job.source)
        images = progress.track(video, total=video.length, description=job.source.name)
        write = partial(write_video, path=job.target, rate=video.rate)
    else:
        images = [read_image(job.source)]
        write = partial(write_image, path=job.target)
    painted = map(paint, images)
    if with_records:
        write_atomically(job.records, lambda path: write(recorded(painted, path)))
    else:
        write(picture for picture, _ in painted)


def recorded(painted: Iterable, path: Path) -> Iterator[np.ndarray]:
    """The pictures; what was predicted is written, a line for each."""
    with path.open('w') as file:
        for picture, prediction in painted:
            file.write(mmengine.dump(prediction, file_format='json') + '\n')
            yield picture


if __name__ == '__main__':
    main()
