"""Uploaded files of all kinds."""

import zlib

import cv2
import numpy as np
import pytest

from vitae_mm.errors import InputError
from vitae_mm.visualization.media import read_image
from vitae_mm.web.uploads import MAX_EDGE, open_upload


def png(width, height):
    """A PNG file whose pixels are missing."""
    size = width.to_bytes(4, 'big') + height.to_bytes(4, 'big')
    chunks = (b'IHDR', size + b'\x08\x02\x00\x00\x00'), (b'IDAT', b'')
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        len(body).to_bytes(4, 'big') + name + body + zlib.crc32(name + body).to_bytes(4, 'big')
        for name, body in chunks
    )


@pytest.mark.parametrize(
    'content, words',
    [
        (b'', 'not an image: upload one in the format JPEG, PNG'),
        (b'a text', 'not an image'),
        (b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n', 'not an image'),
        (png(10_000, 10_000), '10000x10000 pixels has more than 50 megapixels'),
        (png(60_000, 60_000), 'has more than 50 megapixels'),
        (png(80, 60), 'damaged'),
    ],
)
@pytest.mark.filterwarnings('ignore::PIL.Image.DecompressionBombWarning')
def test_unusable_files_are_rejected(content, words, tmp_path):
    path = tmp_path / 'image.png'
    path.write_bytes(content)
    with pytest.raises(InputError, match=words), open_upload(str(path)):
        pass


def test_a_missing_file_is_asked_for():
    with pytest.raises(InputError, match='Drop an image'), open_upload(None):
        pass


@pytest.mark.parametrize(
    'shape, expected',
    [((48, 64, 3), (48, 64)), ((1024, 4096), (512, MAX_EDGE)), ((40_000, 1), (MAX_EDGE, 1))],
)
def test_large_images_are_reduced(shape, expected, tmp_path):
    pixels = np.random.RandomState(0).randint(0, 256, shape, np.uint8)
    cv2.imwrite(str(tmp_path / 'image.bmp'), pixels)
    with open_upload(str(tmp_path / 'image.bmp')) as path:
        image = read_image(path)
    assert image.shape == (*expected, 3) and not path.exists()
    assert image.shape[:2] != shape[:2] or (image == pixels).all()
