"""Writes the same scenes in the forms of all four tasks."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np
from mmengine.utils import track_iter_progress
from pycocotools import mask as coco_mask

from vitae_mm.errors import InputError

from .shapes import CLASSES, HEIGHT, MAX_CORNERS, WIDTH, Scene, Shape, draw_scene

SPLIT_SEEDS = dict(train=0, val=1)
CROP_MARGIN = 4
"""Pixels around a shape in the class folders."""


def write_shapes(out: Path, sizes: dict[str, int], seed: int = 0) -> None:
    """Draws the scenes of each split and writes, under ``out``:

    - ``images/SPLIT/*.jpg``
    - ``annotations/instances_SPLIT.json``: COCO instances (RLE masks)
    - ``annotations/keypoints_SPLIT.json``: COCO keypoints, one for each
      corner, shared by all classes as AP-10K's are
    - ``masks/SPLIT/*.png``: class of each pixel, 0 for the ground
    - ``classes/SPLIT/CLASS/*.jpg``: one shape each

    The folder appears whole or not at all.

    Args:
        out: Folder to make.
        sizes: Number of scenes of 'train' and 'val'.
        seed: Another seed gives other scenes.

    Raises:
        InputError: If ``out`` exists, or a size is not positive.
    """
    if out.exists():
        raise InputError(f'{out} exists: remove it, or choose another folder.')
    for split, size in sizes.items():
        if size < 1:
            raise InputError(f'{split} size {size}: give a whole number, 1 or more.')
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=out.parent, prefix=f'.{out.name}'))
    try:
        for split, size in sizes.items():
            _write_split(temporary, split, size, seed)
        temporary.chmod(0o755)
        os.rename(temporary, out)
    except BaseException:
        shutil.rmtree(temporary)
        raise


def _write_split(root: Path, split: str, size: int, seed: int) -> None:
    folders = [
        root / 'images' / split,
        root / 'masks' / split,
        root / 'annotations',
        *(root / 'classes' / split / label for label in CLASSES),
    ]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    images, instances, keypoints = [], [], []
    for number in track_iter_progress(range(size)):
        scene_seed = np.random.SeedSequence([seed, SPLIT_SEEDS[split], number])
        scene = draw_scene(scene_seed.generate_state(1)[0])
        name = f'{number:06d}'
        images.append(dict(id=number, file_name=f'{name}.jpg', height=HEIGHT, width=WIDTH))
        _write_image(folders[0] / f'{name}.jpg', scene.image)
        _write_image(folders[1] / f'{name}.png', semantic_mask(scene))
        for shape in scene.shapes:
            entry = _annotation(shape, number, len(instances))
            instances.append({**entry, 'segmentation': _rle(shape.mask)})
            points = shape.keypoints
            keypoints.append(
                {
                    **entry,
                    'keypoints': sum(points, []),
                    'num_keypoints': sum(v > 0 for _, _, v in points),
                }
            )
            crop = root / 'classes' / split / shape.label / f'{name}_{entry["id"]}.jpg'
            _write_image(crop, _crop(scene.image, shape))
    _write_coco(root / 'annotations' / f'instances_{split}.json', images, instances, {})
    corners = dict(keypoints=[f'corner{i + 1}' for i in range(MAX_CORNERS)], skeleton=[])
    _write_coco(root / 'annotations' / f'keypoints_{split}.json', images, keypoints, corners)


def semantic_mask(scene: Scene) -> np.ndarray:
    """Class of each pixel, (H, W) uint8: 0 for the ground, then ``CLASSES``."""
    classes = np.zeros((HEIGHT, WIDTH), np.uint8)
    for shape in scene.shapes:
        classes[shape.mask] = CLASSES.index(shape.label) + 1
    return classes


def _annotation(shape: Shape, image_id: int, identity: int) -> dict:
    return dict(
        id=identity,
        image_id=image_id,
        category_id=CLASSES.index(shape.label) + 1,
        bbox=shape.box,
        area=int(shape.mask.sum()),
        iscrowd=0,
    )


def _rle(mask: np.ndarray) -> dict:
    encoded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return dict(size=encoded['size'], counts=encoded['counts'].decode())


def _crop(image: np.ndarray, shape: Shape) -> np.ndarray:
    left, top, width, height = shape.box
    return image[
        max(top - CROP_MARGIN, 0) : top + height + CROP_MARGIN,
        max(left - CROP_MARGIN, 0) : left + width + CROP_MARGIN,
    ]


def _write_image(path: Path, image: np.ndarray) -> None:
    if not cv2.imwrite(str(path), image):
        raise OSError(f'{path} could not be written.')


def _write_coco(path: Path, images: list, annotations: list, extra: dict) -> None:
    categories = [
        dict(id=i + 1, name=label, supercategory='shape', **extra)
        for i, label in enumerate(CLASSES)
    ]
    path.write_text(
        json.dumps(
            dict(
                info=dict(description='shapes'),
                licenses=[],
                images=images,
                annotations=annotations,
                categories=categories,
            )
        )
    )
