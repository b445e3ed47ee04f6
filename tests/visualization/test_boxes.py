import json
from pathlib import Path

import pytest

from vitae_mm.errors import InputError
from vitae_mm.visualization.boxes import Boxes


@pytest.fixture
def boxes(tmp_path):
    images = [dict(id=i, file_name=name) for i, name in enumerate(['a/1.jpg', 'b/1.jpg', '2.jpg'])]
    annotations = [dict(image_id=i, bbox=[i, 2, 3, 4]) for i in (0, 1, 1)]
    (tmp_path / 'b.json').write_text(json.dumps(dict(images=images, annotations=annotations)))
    return Boxes(tmp_path / 'b.json')


def test_images_are_found_by_the_end_of_their_path(boxes):
    assert boxes[Path('/data/a/1.jpg')].tolist() == [[0, 2, 3, 4]]
    assert boxes[Path('b/1.jpg')].tolist() == [[1, 2, 3, 4]] * 2


@pytest.mark.parametrize('image', ['/data/1.jpg', '/data/2.jpg', '3.jpg'])
def test_an_image_without_boxes_is_named(image, boxes):
    with pytest.raises(InputError, match=f'b.json name none in {image}'):
        boxes[Path(image)]


@pytest.mark.parametrize(
    'content, words',
    [
        (None, 'No such file'),
        ('{', 'not in COCO form'),
        ('[]', 'not in COCO form'),
        ('{"images": []}', "KeyError.'annotations'"),
        (
            '{"images": [{"id": 1, "file_name": "a"}], "annotations": [{"image_id": 1, "bbox": [1, 2]}]}',
            'a bbox of four numbers',
        ),
        ('{"images": [], "annotations": [{"image_id": 1, "bbox": []}]}', 'not in COCO form'),
    ],
)
def test_other_files_are_refused(content, words, tmp_path):
    if content is not None:
        (tmp_path / 'c.json').write_text(content)
    with pytest.raises(InputError, match=words):
        Boxes(tmp_path / 'c.json')
