#!/usr/bin/env python
"""Draws what training sees: images after the config's augmentations, with
their labels, in one picture.

    python tools/analysis/browse_dataset.py CONFIG --out samples.png

Labels are classes, boxes with masks, class maps beside the image (black is
ignored), or keypoints with skeletons. What the model itself does to a batch, as
mixup and cutmix, is not shown.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib
import mmcv
import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope
from mmengine.runner import set_random_seed
from mmengine.structures import BaseDataElement
from mmengine.utils import get_object_from_string, track_iter_progress
from mmengine.visualization import Visualizer

from vitae_mm.engine.cli import add_config_argument, reports_input_errors
from vitae_mm.engine.config import load_config
from vitae_mm.engine.preflight import check_data
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically
from vitae_mm.visualization.legend import without_colours
from vitae_mm.visualization.scale import enlarge, fit_points

matplotlib.use('Agg')
from matplotlib import pyplot as plt
from matplotlib.patches import Patch

LEGIBLE = 224
"""Shorter side, in pixels, of an image that a class is written into."""
SIDE = 2.6
"""Side, in inches, of a square picture; others take the same area."""


@reports_input_errors
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file of any task')
    parser.add_argument('--out', type=Path, required=True, help='picture to write')
    parser.add_argument(
        '--split', choices=['train', 'val', 'test'], default='train', help='default: train'
    )
    parser.add_argument(
        '--number',
        type=int,
        default=12,
        help='of samples, spread evenly over the dataset; default: 12',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='another seed gives other augmentations'
    )
    add_config_argument(parser)
    args = parser.parse_args()
    if args.number < 1:
        raise InputError(f'--number {args.number}: give a whole number, 1 or more.')
    cfg = load_config(args.config, args.cfg_options)
    if cfg.get('default_scope') not in VISUALIZERS:
        raise InputError(
            f'default_scope {cfg.get("default_scope")!r} of the config is none of '
            f'{", ".join(VISUALIZERS)}: its labels cannot be drawn.'
        )
    if not cfg.get(f'{args.split}_dataloader'):
        raise InputError(f'--split {args.split}: the config has no {args.split}_dataloader.')
    check_data(cfg, (args.split,))
    set_random_seed(args.seed)
    figure = contact_sheet(*draw_samples(cfg, args.split, args.number))
    write_atomically(args.out, lambda path: figure.savefig(path, dpi=150))
    print(f'written: {args.out}')


def draw_samples(cfg: Config, split: str, number: int) -> tuple[dict[str, np.ndarray], dict]:
    """Samples spread evenly over a dataset.

    Returns:
        Pictures (H, W, 3), in RGB, by number and file name; and the colours of
        the classes in class maps, by name.
    """
    settings = cfg[f'{split}_dataloader'].dataset
    steps = list(transforms(settings))
    for step in steps:
        if 'PackPoseInputs' in str(step['type']):
            step['pack_transformed'] = True
    # datasets that bring decoded images have them in RGB
    bgr = any('LoadImage' in str(step['type']) for step in steps)
    pictures, labels = {}, set()
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        dataset = DATASETS.build(settings)
        meta = dataset.metainfo
        visualizer, draw = build_visualizer(cfg.default_scope, meta)
        indices = np.linspace(0, len(dataset) - 1, min(number, len(dataset))).round().astype(int)
        for index in track_iter_progress(indices.tolist()):
            item = dataset[index]
            sample = item['data_samples']
            image = item['inputs'].permute(1, 2, 0).numpy().clip(0, 255).astype(np.uint8)
            name = f'{index}: {Path(sample.get("img_path") or "").name}'
            pictures[name] = draw(visualizer, mmcv.bgr2rgb(image) if bgr else image, sample)
            if cfg.default_scope == 'mmseg':
                labels.update(sample.gt_sem_seg.data.unique().tolist())
    return pictures, {
        meta['classes'][label]: meta['palette'][label]
        for label in sorted(labels)
        if label < len(meta['classes'])
    }


def transforms(node: object) -> Iterator[dict]:
    """Every step of every pipeline of a dataset, in wrappers too."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == 'pipeline':
                yield from value
            yield from transforms(value)
    elif isinstance(node, (list, tuple)):
        for inner in node:
            yield from transforms(inner)


def draw_class(visualizer: Visualizer, image: np.ndarray, sample: BaseDataElement) -> np.ndarray:
    side = LEGIBLE if min(image.shape[:2]) < LEGIBLE else None
    return visualizer.visualize_cls(image, sample, draw_pred=False, resize=side)


def draw_instances(
    visualizer: Visualizer, image: np.ndarray, sample: BaseDataElement
) -> np.ndarray:
    image, factor = enlarge(image)
    instances = sample.gt_instances
    instances.bboxes = instances.bboxes.tensor * factor
    if 'masks' in instances:
        instances.masks = instances.masks.resize(image.shape[:2])
    fit_points(visualizer, image)
    visualizer.add_datasample('', image, sample, draw_pred=False)
    return visualizer.get_image()


def draw_map(visualizer: Visualizer, image: np.ndarray, sample: BaseDataElement) -> np.ndarray:
    visualizer.add_datasample(
        '', without_colours(image), sample, draw_pred=False, with_labels=False
    )
    return np.hstack([image, visualizer.get_image()])


def draw_keypoints(
    visualizer: Visualizer, image: np.ndarray, sample: BaseDataElement
) -> np.ndarray:
    return visualizer.add_datasample('', image, sample, draw_pred=False)


VISUALIZERS = dict(
    mmpretrain=('mmpretrain.visualization.UniversalVisualizer', {}, draw_class),
    mmdet=('vitae_mm.visualization.detection.InstanceVisualizer', dict(alpha=0.5), draw_instances),
    mmseg=('mmseg.visualization.SegLocalVisualizer', dict(alpha=0.5), draw_map),
    mmpose=('vitae_mm.visualization.pose.KeypointVisualizer', {}, draw_keypoints),
)
"""By default_scope: class, its options, and a function that draws an image
(H, W, 3) with its labels."""


def build_visualizer(scope: str, metainfo: dict) -> tuple[Visualizer, Callable]:
    """The visualizer of a codebase, and what draws with it."""
    name, options, draw = VISUALIZERS[scope]
    visualizer = get_object_from_string(name)(**options)
    if scope == 'mmpose':
        visualizer.set_dataset_meta(metainfo)
    else:
        visualizer.dataset_meta = metainfo
    return visualizer, draw


def contact_sheet(pictures: dict[str, np.ndarray], colours: dict) -> plt.Figure:
    """All pictures under their names, over a legend of the colours."""
    tallest = max(picture.shape[0] / picture.shape[1] for picture in pictures.values())
    columns = math.ceil(math.sqrt(tallest * len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    width = SIDE / math.sqrt(tallest)
    beside = max(int(columns * width / 1.5), 1)  # names in a row of the legend
    figure, panels = plt.subplots(
        rows,
        columns,
        squeeze=False,
        layout='constrained',
        figsize=(
            columns * width,
            rows * (width * tallest + 0.25) + 0.25 * math.ceil(len(colours) / beside),
        ),
    )
    for panel in panels.flat:
        panel.axis('off')
    for panel, (name, picture) in zip(panels.flat, pictures.items()):
        panel.imshow(picture)
        panel.set_title(name, fontsize=8)
    if colours:
        figure.legend(
            handles=[
                Patch(color=np.array(colour) / 255, label=name) for name, colour in colours.items()
            ],
            loc='outside lower center',
            ncols=beside,
            fontsize=8,
        )
    return figure


if __name__ == '__main__':
    main()
