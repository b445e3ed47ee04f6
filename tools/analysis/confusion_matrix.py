#!/usr/bin/env python
"""Computes the confusion matrix of a checkpoint on the config's test set.

    python tools/analysis/confusion_matrix.py CONFIG CHECKPOINT --out matrix.png \
        [--json matrix.json]

Images are counted for classification, pixels for segmentation, objects for detection:
a box with a score of at least 0.3 is matched with the object that it overlaps most, if
the IoU is at least 0.5. The last column, "background", counts unmatched objects, and the
last row counts unmatched boxes. Pose estimation has no classes. The picture shows
fractions of each true class; the JSON file contains counts.
"""

import json
from pathlib import Path
from typing import Any

from mmengine.config import Config

from vitae_mm.checkpoints import use_safe_reader
from vitae_mm.engine.cli import (
    add_config_argument,
    add_trust_argument,
    reports_input_errors,
    tool_parser,
)
from vitae_mm.engine.config import drop_annotation_loading, leaf_datasets, load_test_config
from vitae_mm.engine.distributed import prepare_devices
from vitae_mm.engine.rehearsal.rules import check_data
from vitae_mm.engine.runner import QuietRunner
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically, write_text
from vitae_mm.report.charts import draw_confusion

METRICS = dict(
    mmpretrain='ConfusionMatrix',
    mmdet='vitae_mm.DetectionConfusionMatrix',
    mmseg='vitae_mm.SegmentationConfusionMatrix',
)


@reports_input_errors
def main() -> None:
    parser = tool_parser(__doc__)
    option = parser.add_argument
    option('config', help='config file of a classifier, detector or segmentor')
    option('checkpoint', help='trained or converted checkpoint')
    option('--out', type=Path, required=True, help='picture to write')
    option('--json', type=Path, help='write class names and counts to this file')
    option('--work-dir', help='folder of the log; default: work_dirs/<config>/confusion_matrix')
    add_trust_argument(parser)
    add_config_argument(parser)
    args = parser.parse_args()
    use_safe_reader(args.trust)
    cfg = load_test_config(args, 'confusion_matrix')
    measure_confusion(cfg)
    check_data(cfg, ('test',))
    prepare_devices(cfg, 'none')
    runner = QuietRunner.from_cfg(cfg)
    counts = runner.test()['confusion_matrix/result'].numpy()
    classes = class_names(runner.test_dataloader.dataset.metainfo, len(counts))
    if args.json:
        write_text(args.json, json.dumps(dict(classes=classes, counts=counts.tolist())))
    figure = draw_confusion(counts, classes, Path(args.config).stem)
    write_atomically(args.out, lambda path: figure.savefig(path, dpi=150))
    print(f'written: {", ".join(str(path) for path in (args.out, args.json) if path)}')


def measure_confusion(cfg: Config) -> None:
    """Makes the test loop compute the confusion matrix instead of scores."""
    scope = cfg.get('default_scope')
    if scope not in METRICS:
        raise InputError(
            f'default_scope {scope!r} of the config has no confusion matrix: give a config of '
            f'{", ".join(METRICS)}.'
        )
    cfg.test_evaluator = dict(type=METRICS[scope])
    if scope == 'mmdet':
        dataset: Any
        for dataset in leaf_datasets(cfg.test_dataloader):
            # load boxes after the transforms that move them: predictions are in the original image
            boxes = dict(type='LoadAnnotations', with_bbox=True)
            *steps, pack = drop_annotation_loading(dataset.pipeline)
            dataset.pipeline = [*steps, boxes, pack]


def class_names(metainfo: dict, size: int) -> list[str]:
    """Returns the names of the rows: classes, or numbers without class names, and 'background'."""
    names = list(metainfo.get('classes') or range(size))
    return [str(name) for name in names] + ['background'] * (size - len(names))


if __name__ == '__main__':
    main()
