#!/usr/bin/env python
"""Draws which parts of images a network's answer comes from (Grad-CAM and its
relatives), of one network or of several side by side.

    python tools/analysis/grad_cam.py CONFIG CHECKPOINT IMAGE... --out PICTURE.png \
        [--compare CONFIG CHECKPOINT ...] [--category N] [--method gradcam++]

Images are prepared as the config tests, and drawn as the network sees them:
red counts most in this image, blue least. Explained is the logit of the likeliest
class, or of --category; of a segmentor the sum of the logits of the class over the
pixels that it gives to that class. Detectors and pose estimators have no score
with a gradient (boxes and keypoints are chosen): of them eigencam and fem show the
maps alone, of a pose estimator with the whole image as the box.

By default the layer is the attention of the last cell whose map the score depends
on: the last but one where only the class token is read. Of networks without cells
it is the last norm of that kind.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
from matplotlib.cm import ScalarMappable
from rich.progress import track

from vitae_mm.analysis.class_activation import METHODS, ClassActivation, Explainer
from vitae_mm.analysis.inputs import find_images
from vitae_mm.engine.cli import (
    add_models_arguments,
    check_device,
    name_models,
    reports_input_errors,
)
from vitae_mm.engine.config import load_config
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically
from vitae_mm.visualization.media import read_image

matplotlib.use('Agg')
from matplotlib import pyplot as plt

COLOURS = 'turbo'
WIDTH, LETTER = 1.05, 0.056
"""Inches that a panel is wide at least, and a letter of a title."""

Row = tuple[Path, Mapping[str, ClassActivation]]
"""An image, and what each network sees in it, by label."""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_models_arguments(parser)
    parser.add_argument('images', nargs='+', type=Path, help='image files, or folders of them')
    parser.add_argument(
        '--target-layer',
        nargs='+',
        metavar='NAME',
        dest='layers',
        help='one for all networks or one for each, as named_modules() of the '
        'model has it, e.g. backbone.stages.3.cells.1.attn',
    )
    parser.add_argument(
        '--method',
        metavar='NAME',
        help=f'one of {", ".join(METHODS)}; default: gradcam, for detectors and '
        'pose estimators eigencam',
    )
    parser.add_argument(
        '--category',
        type=int,
        metavar='N',
        help='number of the class to explain, from 0 on; default: the likeliest',
    )
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        metavar='DIR_or_PNG',
        help='picture of all images, a row for each; or a folder for a picture of each',
    )
    return parser.parse_args()


@reports_input_errors
def main() -> None:
    args = parse_args()
    images = list_images(args.images)
    targets = plan_pictures(images, args.out)
    check_device(args.device)
    explainers = read_models(args)
    rows = [
        (image, {label: explain(image, args.category) for label, explain in explainers.items()})
        for image in track(images, description='explaining')
    ]
    for target, part in targets.items():
        figure = draw(rows[part])
        write_atomically(target, lambda path: figure.savefig(path, dpi=300, bbox_inches='tight'))
        plt.close(figure)
    for label, shown in rows[-1][1].items():
        print(f'{label}: {explainers[label].method} of {shown.layer}')
    print(f'written: {args.out}')


def list_images(paths: Sequence[Path]) -> list[Path]:
    """The files, and those of folders and below; each can be read.

    Raises:
        InputError: For a folder without images, and what is no image.
    """
    files = [file for path in paths for file in (find_images(path) if path.is_dir() else [path])]
    for file in files:
        read_image(file)
    return files


def plan_pictures(images: Sequence[Path], out: Path) -> dict[Path, slice]:
    """Where pictures are written, and which of the images each shows.

    Raises:
        InputError: If two would be the same file, or one an image itself, or
            if ``out`` is neither a PNG file nor a folder.
    """
    if out.suffix.lower() == '.png' and not out.is_dir():
        targets = {out: slice(None)}
    elif out.is_dir() or not (out.suffix or out.exists()):
        targets = {out / f'{image.stem}.png': slice(i, i + 1) for i, image in enumerate(images)}
        if len(targets) < len(images):
            raise InputError(
                f'--out {out}: some of the images have the same name; give a picture '
                'of all, .png, or explain them apart.'
            )
    else:
        raise InputError(f'--out {out}: give the name of a picture, .png, or of a folder.')
    sources = {image.resolve() for image in images}
    for target in targets:
        if target.resolve() in sources:
            raise InputError(f'--out {out}: {target} is one of the images; choose another place.')
    return targets


def read_models(args: argparse.Namespace) -> dict[str, Explainer]:
    """What explains each network, by its label."""
    runs = name_models(args)
    layers = args.layers or [None]
    if len(layers) not in (1, len(runs)):
        raise InputError(
            f'--target-layer {" ".join(layers)}: give one for all networks, or one '
            f'for each of the {len(runs)}.'
        )
    layers = layers * len(runs) if len(layers) == 1 else layers
    return {
        label: Explainer(
            load_config(config, args.cfg_options),
            checkpoint,
            args.method,
            layer,
            args.device,
            args.trust,
        )
        for (label, (config, checkpoint)), layer in zip(runs.items(), layers)
    }


def draw(rows: Sequence[Row]) -> plt.Figure:
    """A row for each image: the image, then a panel for each network."""
    titles = ['image', *rows[0][1]]
    captions = [shown.caption for _, row in rows for shown in row.values()]
    lines = [line for text in (*titles, *captions) for line in text.split(', ')]
    width = max(WIDTH, LETTER * max(map(len, lines)))
    images = [read_image(path)[..., ::-1] for path, _ in rows]
    heights = [width * min(image.shape[0] / image.shape[1], 2) for image in images]
    with plt.rc_context({'font.size': 7}):
        figure, panels = plt.subplots(
            len(rows),
            len(titles),
            squeeze=False,
            layout='constrained',
            height_ratios=heights,
            figsize=(width * len(titles) + 0.2, sum(heights) + 0.2 * len(rows) + 0.6),
        )
        for line, image, (path, row) in zip(panels, images, rows):
            line[0].imshow(image)
            line[0].set_ylabel('/'.join(path.with_suffix('').parts[-2:]))
            for panel, shown in zip(line[1:], row.values()):
                overlay(panel, shown)
        for panel, title in zip(panels[0], titles):
            panel.set_title(title, fontsize=7)
        for panel in panels.flat:
            panel.set(xticks=[], yticks=[])
        figure.colorbar(
            ScalarMappable(cmap=COLOURS),
            ax=panels,
            location='bottom',
            aspect=40,
            label='class activation (1: largest in the image)',
        )
    return figure


def overlay(panel: plt.Axes, shown: ClassActivation) -> None:
    """Draws the heat over what the network sees, and says so where there is none."""
    panel.imshow(shown.image)
    panel.imshow(shown.heat, cmap=COLOURS, alpha=0.5, vmin=0, vmax=1, interpolation='bilinear')
    caption = shown.caption if shown.heat.any() else f'{shown.caption}, nothing for it'
    panel.set_xlabel(caption.replace(', ', '\n'), fontsize=6)


if __name__ == '__main__':
    main()
