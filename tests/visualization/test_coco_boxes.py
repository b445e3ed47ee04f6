import json
from pathlib import Path

import pytest

from vitae_mm.errors import InputError
from vitae_mm.visualization.coco_boxes import CocoBoxes


@pytest.fixture
def boxes(tmp_path):
    images = [dict(id=i, file_name=name) for i, name in enumerate(['a/1.jpg', 'b/1.jpg', '2.jpg'])]
    annotations = [dict(image_id=i, bbox=[i, 2, 3, 4]) for i in (0, 1, 1)]
    (tmp_path / 'b.json').write_text(json.dumps(dict(images=images, annotations=annotations)))
    return CocoBoxes(tmp_path / 'b.json')


def test_images_are_found_by_the_end_of_their_path(boxes):
    assert boxes[Path('/data/a/1.jpg')].tolist() == [[0, 2, 3, 4]]
    assert boxes[Path('b/1.jpg')].tolist() == [[1, 2, 3, 4]] * 2


@pytest.mark.parametrize('image', ['/data/1.jpg', '/data/2.jpg', '3.jpg'])
def test_an_image_without_boxes_is_reported(image, boxes):
    with pytest.raises(InputError, match=f'b.json contain none for {image}'):
        boxes[Path(image)]


def annotated(bbox):
    image, annotation = '{"id": 1, "file_name": "a"}', f'{{"image_id": 1, "bbox": {bbox}}}'
    return f'{{"images": [{image}], "annotations": [{annotation}]}}'


@pytest.mark.parametrize(
    'content, words',
    [
        (None, 'No such file'),
        ('{', 'not in COCO format'),
        ('[]', 'not in COCO format'),
        ('{"images": []}', "KeyError.'annotations'"),
        (annotated('1'), 'a bbox of four numbers'),
        (annotated('[1, 2]'), 'a bbox of four numbers'),
        ('{"images": [], "annotations": [{"image_id": 1, "bbox": []}]}', 'not in COCO format'),
    ],
)
def test_invalid_files_are_rejected(content, words, tmp_path):
    if content is not None:
        (tmp_path / 'c.json').write_text(content)
    with pytest.raises(InputError, match=words):
        CocoBoxes(tmp_path / 'c.json')
