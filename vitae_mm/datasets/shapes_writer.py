"""Writing the demo shapes in the formats of all four tasks."""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco_mask
from rich.progress import track

from vitae_mm.errors import InputError

from .shapes import CLASSES, HEIGHT, MAX_CORNERS, WIDTH, Scene, draw_scene

SPLIT_SEEDS = dict(train=0, val=1)
CROP_MARGIN = 4
"""Pixels around a shape in the class folders."""


def write_shapes(out: Path, sizes: dict[str, int], seed: int = 0) -> bool:
    """Draws the scenes of each split and writes them to ``out``:

    - ``images/SPLIT/*.jpg``
    - ``annotations/instances_SPLIT.json``: COCO instances (RLE masks)
    - ``annotations/keypoints_SPLIT.json``: COCO keypoints, one for each corner, shared by all
      classes as in AP-10K
    - ``masks/SPLIT/*.png``: class maps, 0 for the background
    - ``classes/SPLIT/CLASS/*.jpg``: crops of single shapes

    The folder is written atomically. One that has the same scenes is left as it is.

    Args:
        out: Folder to create.
        sizes: Number of scenes of 'train' and 'val'.
        seed: Different seeds give different scenes. Defaults to 0.

    Returns:
        Whether the folder was written.

    Raises:
        InputError: If ``out`` has something else, or a size is not positive.
    """
    for split, size in sizes.items():
        if size < 1:
            raise InputError(f'{split} size {size}: give a positive integer.')
    if out.exists():
        if _has_scenes(out, sizes, seed):
            return False
        raise InputError(
            f'{out} exists, but not with these scenes: remove it, or choose another folder.'
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=out.parent, prefix=f'.{out.name}'))
    try:
        for split, size in sizes.items():
            _write_split(temporary, split, size=size, seed=seed)
        temporary.chmod(0o755)
        temporary.rename(out)
    except BaseException:
        shutil.rmtree(temporary)
        raise
    return True


def semantic_mask(scene: Scene) -> np.ndarray:
    """Returns the class map of a scene, (H, W) uint8: 0 for the background, then ``CLASSES``."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for shape in scene.shapes:
        labels[shape.mask] = CLASSES.index(shape.label) + 1
    return labels


def _write_split(root: Path, split: str, size: int, seed: int) -> None:
    image_folder, mask_folder = root / 'images' / split, root / 'masks' / split
    class_folders = {label: root / 'classes' / split / label for label in CLASSES}
    for folder in (image_folder, mask_folder, root / 'annotations', *class_folders.values()):
        folder.mkdir(parents=True, exist_ok=True)
    images: list[dict] = []
    instances: list[dict] = []
    keypoints: list[dict] = []
    # in a file, it would leave an empty line
    hidden = not sys.stdout.isatty()
    for number in track(range(size), f'{split} scenes', transient=True, disable=hidden):
        scene = _scene(split, number, seed)
        name = f'{number:06d}'
        images.append(dict(id=number, file_name=f'{name}.jpg', height=HEIGHT, width=WIDTH))
        _write_image(image_folder / f'{name}.jpg', scene.image)
        _write_image(mask_folder / f'{name}.png', semantic_mask(scene))
        for shape in scene.shapes:
            annotation = dict(
                id=len(instances) + 1,  # pycocotools never counts annotation 0 as found
                image_id=number,
                category_id=CLASSES.index(shape.label) + 1,
                bbox=shape.box,
                area=int(shape.mask.sum()),
                iscrowd=0,
            )
            instances.append({**annotation, 'segmentation': _rle(shape.mask)})
            points = shape.keypoints
            keypoints.append(
                {
                    **annotation,
                    'keypoints': [value for point in points for value in point],
                    'num_keypoints': sum(visibility > 0 for _, _, visibility in points),
                }
            )
            left, top, width, height = shape.box
            crop = scene.image[
                max(top - CROP_MARGIN, 0) : top + height + CROP_MARGIN,
                max(left - CROP_MARGIN, 0) : left + width + CROP_MARGIN,
            ]
            _write_image(class_folders[shape.label] / f'{name}_{annotation["id"]}.jpg', crop)
    corners = dict(keypoints=[f'corner{i + 1}' for i in range(MAX_CORNERS)], skeleton=[])
    for kind, annotations, extra in (
        ('instances', instances, {}),
        ('keypoints', keypoints, corners),
    ):
        categories = [
            dict(id=i, name=label, supercategory='shape', **extra)
            for i, label in enumerate(CLASSES, start=1)
        ]
        content = dict(
            info=dict(description='shapes'),
            licenses=[],
            images=images,
            annotations=annotations,
            categories=categories,
        )
        (root / 'annotations' / f'{kind}_{split}.json').write_text(json.dumps(content))


def _has_scenes(folder: Path, sizes: dict[str, int], seed: int) -> bool:
    """Whether each split of a folder has this number of scenes, and the same last one."""
    for split, size in sizes.items():
        masks = sorted((folder / 'masks' / split).glob('*.png'))
        if not masks or len(masks) != size:
            return False
        written = cv2.imread(str(masks[-1]), cv2.IMREAD_UNCHANGED)
        expected = semantic_mask(_scene(split, size - 1, seed))
        if written is None or not np.array_equal(written, expected):
            return False
    return True


def _scene(split: str, number: int, seed: int) -> Scene:
    return draw_scene(
        np.random.SeedSequence([seed, SPLIT_SEEDS[split], number]).generate_state(1)[0]
    )


def _rle(mask: np.ndarray) -> dict:
    encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return dict(size=encoded['size'], counts=encoded['counts'].decode())


def _write_image(path: Path, image: np.ndarray) -> None:
    if not cv2.imwrite(str(path), image):
        raise OSError(f'{path} could not be written.')
