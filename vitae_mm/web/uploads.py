"""Checks of uploaded files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
from PIL import Image

from vitae_mm.errors import InputError
from vitae_mm.visualization.media import read_image, write_image

FORMATS = ('JPEG', 'PNG', 'BMP', 'TIFF', 'WEBP')
"""Allowed formats, by Pillow's names: those of ``tools/demo.py``."""

MAX_FILE_SIZE = '32mb'
MAX_PIXELS = 50_000_000
MAX_EDGE = 2048
"""Longer edge that larger images are reduced to."""

NO_IMAGE = 'Drop an image on the left, or click there to choose a file.'


class UploadError(InputError):
    """An uploaded file cannot be used."""


@contextmanager
def open_upload(path: str | None) -> Iterator[Path]:
    """Checks an uploaded file and yields it as a PNG file of moderate size.

    The format and the number of pixels are read from the header of the file, before any pixel is
    decoded.

    Args:
        path: The uploaded file; None if there is none.

    Raises:
        UploadError: If there is no file, if it is not an image, or if it has too many pixels.
    """
    if not path:
        raise UploadError(NO_IMAGE)
    too_large = f'has more than {MAX_PIXELS // 10**6} megapixels: reduce it and upload it again.'
    try:
        with Image.open(path, formats=FORMATS) as header:
            width, height = header.size
    except Image.DecompressionBombError as error:
        raise UploadError(f'This image {too_large}') from error
    except (OSError, ValueError, SyntaxError) as error:
        raise UploadError(
            f'This file is not an image: upload one in the format {", ".join(FORMATS)}.'
        ) from error
    if width * height > MAX_PIXELS:
        raise UploadError(f'This image of {width}x{height} pixels {too_large}')
    try:
        image = read_image(Path(path))
    except InputError as error:
        raise UploadError('This image is damaged: export it again and upload the copy.') from error
    scale = MAX_EDGE / max(width, height)
    if scale < 1:
        size = [max(round(side * scale), 1) for side in image.shape[1::-1]]
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    with TemporaryDirectory() as folder:
        copy = Path(folder, 'image.png')
        write_image([image], copy)
        yield copy
