#!/usr/bin/env python
"""Which class is taken for which: the confusion matrix of a checkpoint on the
config's test set.

    python tools/analysis/confusion_matrix.py CONFIG CHECKPOINT --out matrix.png \
        [--json matrix.json]

Classification counts images, segmentation pixels, detection objects: a box
with a score of at least 0.3 takes the object that it overlaps most, by at least
half (IoU). A last column, "background", has the objects that no box took, and a
last row the boxes that took none. Pose estimation has no classes to confuse.
The picture shows shares of each true class, the JSON file counts.
"""

import argparse
import json
from pathlib import Path

import matplotlib
import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner

from vitae_mm.checkpoints import use_safe_reader
from vitae_mm.engine.cli import add_config_argument, add_trust_argument, reports_input_errors
from vitae_mm.engine.config import innermost, load_test_config, without_annotations
from vitae_mm.engine.distributed import prepare_devices
from vitae_mm.engine.preflight import check_data
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically, write_text

matplotlib.use('Agg')
from matplotlib import pyplot as plt

METRICS = dict(
    mmpretrain='ConfusionMatrix',
    mmdet='vitae_mm.DetectionConfusionMatrix',
    mmseg='vitae_mm.SegmentationConfusionMatrix',
)
NAMED = 100
"""Up to so many classes are named in the picture."""
NUMBERED = 20
"""Up to so many classes have their shares written in."""


@reports_input_errors
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file of a classifier, detector or segmentor')
    parser.add_argument('checkpoint', help='a checkpoint that training wrote, or a converted one')
    parser.add_argument('--out', type=Path, required=True, help='picture to write')
    parser.add_argument('--json', type=Path, help='file to write class names and counts to')
    parser.add_argument(
        '--work-dir', help='where the log goes; default: work_dirs/<config>/confusion_matrix'
    )
    add_trust_argument(parser)
    add_config_argument(parser)
    args = parser.parse_args()
    use_safe_reader(args.trust)
    cfg = load_test_config(args, 'confusion_matrix')
    measure_confusion(cfg)
    check_data(cfg, ('test',))
    prepare_devices(cfg, 'none')
    runner = Runner.from_cfg(cfg)
    counts = runner.test()['confusion_matrix/result'].numpy()
    classes = class_names(runner.test_dataloader.dataset.metainfo, len(counts))
    if args.json:
        text = json.dumps(dict(classes=classes, counts=counts.tolist()))
        write_text(args.json, text)
    figure = draw(counts, classes, Path(args.config).stem)
    write_atomically(args.out, lambda path: figure.savefig(path, dpi=150))
    print(f'written: {", ".join(str(path) for path in (args.out, args.json) if path)}')


def measure_confusion(cfg: Config) -> None:
    """Has the test loop count instead of score."""
    scope = cfg.get('default_scope')
    if scope not in METRICS:
        raise InputError(
            f'{scope} has no classes to confuse: give a config of {", ".join(METRICS)}.'
        )
    if not cfg.get('test_dataloader'):
        raise InputError('the config has no test_dataloader: give it one, such as that of val.')
    cfg.test_evaluator = dict(type=METRICS[scope])
    if scope == 'mmdet':
        for dataset in innermost(cfg.test_dataloader):
            pipeline = without_annotations(dataset.pipeline)
            # after all that moves them: boxes are predicted for the original image
            pipeline.insert(-1, dict(type='LoadAnnotations', with_bbox=True))
            dataset.pipeline = pipeline


def class_names(metainfo: dict, size: int) -> list[str]:
    """Names of the rows: of the classes, numbers where they have none, and
    'background'."""
    names = list(metainfo.get('classes') or range(size))
    return [str(name) for name in names] + ['background'] * (size - len(names))


def draw(counts: np.ndarray, classes: list[str], title: str) -> plt.Figure:
    """The matrix as shares of each true class; rows without any stay grey."""
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, where=totals > 0, out=np.full(counts.shape, np.nan))
    side = 4 + 0.22 * len(classes) if len(classes) <= NAMED else 10
    figure, panel = plt.subplots(figsize=(side + 1, side), layout='constrained')
    image = panel.imshow(shares, vmin=0, vmax=1, cmap='Blues')
    figure.colorbar(image, label='share of the true class', shrink=0.8)
    panel.set(title=title, xlabel='predicted class', ylabel='true class', facecolor='lightgrey')
    if len(classes) <= NAMED:
        panel.set_xticks(range(len(classes)), classes, rotation=90, fontsize=8)
        panel.set_yticks(range(len(classes)), classes, fontsize=8)
    if len(classes) <= NUMBERED:
        for (row, column), share in np.ndenumerate(shares):
            if share >= 0.005:
                panel.text(
                    column,
                    row,
                    f'{share:.2f}',
                    fontsize=6,
                    ha='center',
                    va='center',
                    color='white' if share > 0.6 else 'black',
                )
    return figure


if __name__ == '__main__':
    main()
