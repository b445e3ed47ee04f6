"""Where to look for skeletons."""

import json
from pathlib import Path

import numpy as np

from vitae_mm.errors import InputError


class Boxes:
    """Boxes by image, from an annotation file in COCO form.

    Raises:
        InputError: If the file is missing or of another form.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            content = json.loads(path.read_text())
            names = {image['id']: image['file_name'] for image in content['images']}
            self.boxes = {name: [] for name in names.values()}
            for entry in content['annotations']:
                box = np.array(entry['bbox'], np.float32).reshape(4)
                self.boxes[names[entry['image_id']]].append(box)
        except OSError as error:
            raise InputError(f'boxes {path} cannot be read: {error.strerror}.') from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f'boxes {path} are not in COCO form ({error!r}): images need id and file_name, '
                'annotations image_id and a bbox of four numbers.'
            ) from error

    def __getitem__(self, image: Path) -> np.ndarray:
        """The boxes of an image file, (n, 4) as x, y, width, height in pixels.

        Raises:
            InputError: If there are none.
        """
        ends = ('/'.join(image.parts[i:]) for i in range(len(image.parts)))
        found = next((self.boxes[end] for end in ends if end in self.boxes), None)
        if not found:
            raise InputError(
                f'boxes {self.path} name none in {image}: leave the image out, or '
                'leave --boxes out to look at whole images.'
            )
        return np.stack(found)
