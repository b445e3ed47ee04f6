#!/usr/bin/env python
"""Draws training images after the config's augmentations, with their labels, in one
picture.

    python tools/analysis/browse_dataset.py CONFIG --out samples.png

Labels are classes, boxes with masks, class maps beside the image (black pixels are
ignored), or keypoints with skeletons. Augmentations that the model applies to a
batch, such as mixup and cutmix, are not shown.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mmcv
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope
from mmengine.runner import set_random_seed
from mmengine.structures import BaseDataElement
from mmengine.utils import get_object_from_string, track_iter_progress
from mmengine.visualization import Visualizer

from vitae_mm.engine.cli import add_config_argument, reports_input_errors, tool_parser
from vitae_mm.engine.config import find_transforms, load_config, loads_image_files, walk_datasets
from vitae_mm.engine.rehearsal.rules import check_data
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically
from vitae_mm.visualization.class_map import gray_copy
from vitae_mm.visualization.picture_size import enlarge, scale_drawing

LEGIBLE_SIDE = 224
"""Minimum length of the shorter side, in pixels, for a legible class name in an image."""

SQUARE_SIDE = 2.6
"""Side of a square picture in inches; other pictures have the same area."""


@reports_input_errors
def main() -> None:
    parser = tool_parser(__doc__)
    option = parser.add_argument
    option('config', help='config file of any task')
    option('--out', type=Path, required=True, help='picture to write')
    option('--split', choices=['train', 'val', 'test'], default='train', help='default: train')
    option('--number', type=int, default=12, help='evenly spaced samples; default: 12')
    option('--seed', type=int, default=0, help='seed of the augmentations; default: 0')
    add_config_argument(parser)
    args = parser.parse_args()
    if args.number < 1:
        raise InputError(f'--number {args.number}: give a whole number, 1 or more.')
    cfg = load_config(args.config, args.cfg_options)
    if cfg.get('default_scope') not in VISUALIZERS:
        raise InputError(
            f'default_scope {cfg.get("default_scope")!r} of the config: its labels cannot be '
            f'drawn; give a config of {", ".join(VISUALIZERS)}.'
        )
    if not cfg.get(f'{args.split}_dataloader'):
        raise InputError(f'--split {args.split}: the config has no {args.split}_dataloader.')
    check_data(cfg, (args.split,))
    set_random_seed(args.seed)
    figure = contact_sheet(*draw_samples(cfg, args.split, args.number))
    write_atomically(args.out, lambda path: figure.savefig(path, dpi=150))
    print(f'written: {args.out}')


def draw_samples(cfg: Config, split: str, number: int) -> tuple[dict[str, np.ndarray], dict]:
    """Draws evenly spaced samples of a dataset.

    Returns:
        Pictures, (H, W, 3) RGB uint8, by index and file name; and the colors of the classes in
        class maps, by class name.
    """
    settings = cfg[f'{split}_dataloader'].dataset
    pipelines = [entry.get('pipeline') or [] for entry in walk_datasets(settings)]
    pack: Any
    for pack in find_transforms(pipelines, 'PackPoseInputs'):
        pack['pack_transformed'] = True
    # datasets with decoded images give RGB
    bgr = any(map(loads_image_files, pipelines))
    class_name, options, draw = VISUALIZERS[cfg.default_scope]
    pictures, labels = {}, set()
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        dataset = DATASETS.build(settings)
        meta = dataset.metainfo
        visualizer = get_object_from_string(class_name)(**options)
        visualizer.dataset_meta = meta
        if cfg.default_scope == 'mmpose':
            visualizer.set_dataset_meta(meta)
        indices = np.linspace(0, len(dataset) - 1, min(number, len(dataset))).round().astype(int)
        for index in track_iter_progress(indices.tolist()):
            item = dataset[index]
            sample = item['data_samples']
            image = item['inputs'].permute(1, 2, 0).numpy().clip(0, 255).astype(np.uint8)
            name = f'{index}: {Path(sample.get("img_path") or "").name}'
            pictures[name] = draw(visualizer, mmcv.bgr2rgb(image) if bgr else image, sample)
            if cfg.default_scope == 'mmseg':
                labels.update(sample.gt_sem_seg.data.unique().tolist())
    known = [label for label in sorted(labels) if label < len(meta['classes'])]
    return pictures, {meta['classes'][label]: meta['palette'][label] for label in known}


def draw_class(visualizer: Visualizer, image: np.ndarray, sample: BaseDataElement) -> np.ndarray:
    side = LEGIBLE_SIDE if min(image.shape[:2]) < LEGIBLE_SIDE else None
    return visualizer.visualize_cls(image, sample, draw_pred=False, resize=side)


def draw_boxes(visualizer: Visualizer, image: np.ndarray, sample: BaseDataElement) -> np.ndarray:
    image, factor = enlarge(image)
    instances = sample.gt_instances
    instances.bboxes = instances.bboxes.tensor * factor
    if 'masks' in instances:
        instances.masks = instances.masks.resize(image.shape[:2])
    scale_drawing(visualizer, image)
    visualizer.add_datasample('', image, sample, draw_pred=False)
    return visualizer.get_image()


def draw_map(visualizer: Visualizer, image: np.ndarray, sample: BaseDataElement) -> np.ndarray:
    gray = gray_copy(image)
    visualizer.add_datasample('', gray, sample, draw_pred=False, with_labels=False)
    return np.hstack([image, visualizer.get_image()])


def draw_pose(visualizer: Visualizer, image: np.ndarray, sample: BaseDataElement) -> np.ndarray:
    return visualizer.add_datasample('', image, sample, draw_pred=False)


VISUALIZERS = dict(
    mmpretrain=('mmpretrain.visualization.UniversalVisualizer', {}, draw_class),
    mmdet=('vitae_mm.visualization.detection.InstanceVisualizer', dict(alpha=0.5), draw_boxes),
    mmseg=('mmseg.visualization.SegLocalVisualizer', dict(alpha=0.5), draw_map),
    mmpose=('vitae_mm.visualization.pose.KeypointVisualizer', {}, draw_pose),
)
"""Class and options of the visualizer, and the function that draws an image (H, W, 3) with its
labels, by default_scope."""


def contact_sheet(pictures: Mapping[str, np.ndarray], colors: Mapping[str, Sequence]) -> Figure:
    """Draws all pictures, each below its name, and a legend of the colors."""
    tallest = max(picture.shape[0] / picture.shape[1] for picture in pictures.values())
    columns = math.ceil(math.sqrt(tallest * len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    width = SQUARE_SIDE / math.sqrt(tallest)
    names_per_row = max(int(columns * width / 1.5), 1)
    legend_height = 0.25 * math.ceil(len(colors) / names_per_row)
    size = columns * width, rows * (width * tallest + 0.25) + legend_height
    figure = Figure(figsize=size, layout='constrained')
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in panels:
        panel.axis('off')
    for panel, (name, picture) in zip(panels, pictures.items(), strict=False):
        panel.imshow(picture)
        panel.set_title(name, fontsize=8)
    if colors:
        patches = [
            Patch(color=tuple(np.array(rgb) / 255), label=name) for name, rgb in colors.items()
        ]
        figure.legend(handles=patches, loc='outside lower center', ncols=names_per_row, fontsize=8)
    return figure


if __name__ == '__main__':
    main()
