#!/usr/bin/env python
"""Draws training images after the config's augmentations, with their labels, in one
picture.

    python tools/analysis/browse_dataset.py CONFIG --out samples.png

Labels are classes, boxes with masks, class maps beside the image (black pixels are
ignored), or keypoints with skeletons. Augmentations that the model applies to a
batch, such as mixup and cutmix, are not shown.
"""

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope
from mmengine.runner import set_random_seed
from mmengine.utils import track_iter_progress

from vitae_mm.engine.cli import add_config_argument, reports_input_errors, tool_parser
from vitae_mm.engine.config import find_transforms, load_config, loads_image_files, walk_datasets
from vitae_mm.engine.rehearsal.rules import check_data
from vitae_mm.errors import InputError
from vitae_mm.visualization.contact_sheet import contact_sheet, evenly_spaced, write_sheet
from vitae_mm.visualization.drawer import DRAWERS, build_drawer
from vitae_mm.visualization.palette import Color
from vitae_mm.visualization.picture_size import enlarge


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
    if cfg.get('default_scope') not in DRAWERS:
        raise InputError(
            f'default_scope {cfg.get("default_scope")!r} of the config: its labels cannot be '
            f'drawn; give a config of {", ".join(DRAWERS)}.'
        )
    if not cfg.get(f'{args.split}_dataloader'):
        raise InputError(f'--split {args.split}: the config has no {args.split}_dataloader.')
    check_data(cfg, (args.split,))
    set_random_seed(args.seed)
    write_sheet(contact_sheet(*draw_samples(cfg, args.split, args.number)), args.out)
    print(f'written: {args.out}')


def draw_samples(
    cfg: Config, split: str, number: int
) -> tuple[list[tuple[str, np.ndarray]], dict[str, Color]]:
    """Draws evenly spaced samples of a dataset.

    Returns:
        Names, with the index, and pictures (H, W, 3) BGR uint8; and the colors of the classes in
        class maps, by class name.
    """
    settings = cfg[f'{split}_dataloader'].dataset
    pipelines = [entry.get('pipeline') or [] for entry in walk_datasets(settings)]
    pack: Any
    for pack in find_transforms(pipelines, 'PackPoseInputs'):
        pack['pack_transformed'] = True
    # datasets with decoded images give RGB
    bgr = any(map(loads_image_files, pipelines))
    pictures, labels = [], set()
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        dataset = DATASETS.build(settings)
        drawer = build_drawer(cfg.default_scope, dataset.metainfo)
        for index in track_iter_progress(evenly_spaced(len(dataset), number)):
            item = dataset[index]
            sample = item['data_samples']
            image = item['inputs'].permute(1, 2, 0).numpy().clip(0, 255).astype(np.uint8)
            image = image if bgr else image[..., ::-1]
            drawn = drawer.draw(image, sample, truth=True)
            if cfg.default_scope == 'mmseg':
                labels.update(sample.gt_sem_seg.data.unique().tolist())
                drawn = np.hstack([enlarge(image)[0], drawn])
            name = f'{index}: {Path(sample.get("img_path") or "").name}'
            pictures.append((name, drawn))
    colors = [entry for i, entry in enumerate(drawer.colors.items()) if i in labels]
    return pictures, dict(colors)


if __name__ == '__main__':
    main()
