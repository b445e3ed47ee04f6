"""Boxes to predict in, from a COCO annotation file."""

import json
from pathlib import Path

import numpy as np

from vitae_mm.errors import InputError


class CocoBoxes:
    """The boxes of images, by image file.

    Raises:
        InputError: If the annotation file cannot be read or is not in COCO format.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            content = json.loads(path.read_text())
            names = {image['id']: image['file_name'] for image in content['images']}
            self.boxes: dict[str, list[np.ndarray]] = {name: [] for name in names.values()}
            for annotation in content['annotations']:
                box = np.array(annotation['bbox'], np.float32).reshape(4)
                self.boxes[names[annotation['image_id']]].append(box)
        except OSError as error:
            raise InputError(f'boxes {path} cannot be read: {error.strerror}.') from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f'boxes {path} are not in COCO format ({error!r}): images need id and file_name, '
                'annotations image_id and a bbox of four numbers.'
            ) from error

    def __getitem__(self, image: Path) -> np.ndarray:
        """Returns the boxes of an image file, (n, 4) as x, y, width, height in pixels.

        Raises:
            InputError: If there are none.
        """
        # file names in the annotations may begin with folders
        ends = ('/'.join(image.parts[i:]) for i in range(len(image.parts)))
        found = next((self.boxes[end] for end in ends if end in self.boxes), None)
        if not found:
            raise InputError(
                f'boxes {self.path} contain none for {image}: leave out the image, or leave out '
                '--boxes to use whole images.'
            )
        return np.stack(found)
