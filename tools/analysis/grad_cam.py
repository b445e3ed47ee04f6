#!/usr/bin/env python
"""Draws class activation (Grad-CAM and related methods): the parts of images that
predictions come from, for one or more networks side by side.

    python tools/analysis/grad_cam.py CONFIG CHECKPOINT IMAGE... --out PICTURE.png \
        [--compare CONFIG CHECKPOINT ...] [--category N] [--method gradcam++]

Images are prepared by the config's test pipeline and drawn as the network sees
them, from red for the most important pixels of an image to blue for the least
important ones. The explained score is the logit of the most probable class, or of
--category; for a segmentor, it is the sum of the class's logits over the pixels
predicted as this class. Detectors and pose estimators have no score with a gradient:
for them, eigencam and fem show the maps of the backbone. The box of a pose estimator
is the whole image.

The default layer is the attention of the last cell whose map the score depends on,
which is the last but one if only the class token is read. In networks without cells,
it is the last such norm.
"""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from rich.progress import track

from vitae_mm.analysis.class_activation import METHODS, ClassActivation, Explainer
from vitae_mm.analysis.loading import find_images, load_models
from vitae_mm.engine.cli import add_models_arguments, reports_input_errors, tool_parser
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically
from vitae_mm.visualization.media import read_image

COLORMAP = 'turbo'
PANEL_WIDTH, LETTER_WIDTH = 1.05, 0.056
"""Minimum width of a panel, and width of a letter in a title or the name of a row, in inches."""

Row = tuple[Path, Mapping[str, ClassActivation]]
"""An image, and its class activation in each network, by label."""


@reports_input_errors
def main() -> None:
    args = parse_args()
    paths = [find_images(path) if path.is_dir() else [path] for path in args.images]
    images = [image for group in paths for image in group]
    for image in images:
        read_image(image)  # so that damaged images are reported early
    pictures = plan_pictures(images, args.out)
    models = load_models(args)
    layers = args.target_layer or [None]
    if len(layers) not in (1, len(models)):
        raise InputError(
            f'--target-layer {" ".join(layers)}: give one for all networks, or one for each of '
            f'the {len(models)}.'
        )
    layers = layers if len(layers) > 1 else layers * len(models)
    explainers = {
        label: Explainer(model, args.method, layer)
        for (label, model), layer in zip(models.items(), layers, strict=True)
    }
    rows = [
        (image, {label: explain(image, args.category) for label, explain in explainers.items()})
        for image in track(images, description='explaining')
    ]
    for picture, part in pictures.items():
        figure = draw(rows[part])
        write_atomically(picture, partial(figure.savefig, dpi=300, bbox_inches='tight'))
    for label, shown in rows[-1][1].items():
        print(f'{label}: {explainers[label].method} of {shown.layer}')
    print(f'written: {args.out}')


def parse_args() -> argparse.Namespace:
    parser = tool_parser(__doc__)
    add_models_arguments(parser)
    option = parser.add_argument
    option('images', nargs='+', type=Path, help='image files, or folders of them')
    option(
        '--target-layer',
        nargs='+',
        metavar='NAME',
        help="one for all networks or one for each, as in the model's named_modules(), e.g. "
        'backbone.stages.3.cells.1.attn',
    )
    methods = f'one of {", ".join(METHODS)}; default: gradcam, or eigencam without a score'
    option('--method', metavar='NAME', help=methods)
    option(
        '--category', type=int, metavar='N', help='index of the class; default: the most probable'
    )
    out = 'picture with a row for each image, or folder for one picture per image'
    option('--out', type=Path, required=True, metavar='DIR_or_PNG', help=out)
    return parser.parse_args()


def plan_pictures(images: Sequence[Path], out: Path) -> dict[Path, slice]:
    """Returns the pictures to write, and the range of images in each.

    Raises:
        InputError: If ``out`` is neither a PNG file nor a folder, or if a picture would replace an
            image or another picture.
    """
    if out.suffix.lower() == '.png' and not out.is_dir():
        pictures = {out: slice(None)}
    elif out.is_dir() or not (out.suffix or out.exists()):
        pictures = {out / f'{image.stem}.png': slice(i, i + 1) for i, image in enumerate(images)}
        if len(pictures) < len(images):
            raise InputError(
                f'--out {out}: some images have the same name; give a file name that ends in .png, '
                'or explain them separately.'
            )
    else:
        raise InputError(f'--out {out}: give a file name that ends in .png, or a folder.')
    sources = {image.resolve() for image in images}
    for picture in pictures:
        if picture.resolve() in sources:
            raise InputError(f'--out {out}: {picture} is one of the images; give another path.')
    return pictures


def draw(rows: Sequence[Row]) -> Figure:
    """Draws a row for each image: the image, then a panel for each network."""
    titles = ['image', *rows[0][1]]
    captions = [shown.caption for _, row in rows for shown in row.values()]
    lines = [line for text in (*titles, *captions) for line in text.split(', ')]
    width = max(PANEL_WIDTH, LETTER_WIDTH * max(map(len, lines)))
    images = [read_image(path)[..., ::-1] for path, _ in rows]
    names = [path.with_suffix('').parts[-2:] for path, _ in rows]
    heights = [
        max(width * min(image.shape[0] / image.shape[1], 2), LETTER_WIDTH * max(map(len, name)))
        for image, name in zip(images, names, strict=True)
    ]
    size = width * len(titles) + 0.2, sum(heights) + 0.2 * len(rows) + 0.6
    with matplotlib.rc_context({'font.size': 7}):
        figure = Figure(figsize=size, layout='constrained')
        panels = figure.subplots(len(rows), len(titles), squeeze=False, height_ratios=heights)
        for line, image, name, (_, row) in zip(panels, images, names, rows, strict=True):
            line[0].imshow(image)
            line[0].set_ylabel('\n'.join(name))
            for panel, shown in zip(line[1:], row.values(), strict=True):
                overlay(panel, shown)
        for panel, title in zip(panels[0], titles, strict=True):
            panel.set_title(title, fontsize=7)
        for panel in panels.flat:
            panel.set(xticks=[], yticks=[])
        scale, label = ScalarMappable(cmap=COLORMAP), 'class activation (1: largest in the image)'
        figure.colorbar(scale, ax=panels, location='bottom', aspect=40, label=label)
    return figure


def overlay(panel: Axes, shown: ClassActivation) -> None:
    """Draws the heat over the input of the network; the caption tells if there is none."""
    panel.imshow(shown.image)
    panel.imshow(shown.heat, cmap=COLORMAP, alpha=0.5, vmin=0, vmax=1, interpolation='bilinear')
    caption = shown.caption if shown.heat.any() else f'{shown.caption}, no positive evidence'
    panel.set_xlabel(caption.replace(', ', '\n'), fontsize=6)


if __name__ == '__main__':
    main()
