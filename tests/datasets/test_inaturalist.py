import json

import pytest
from mmengine.registry import DATASETS

from vitae_mm.datasets.inaturalist import INaturalist
from vitae_mm.errors import InputError


@pytest.fixture
def content():
    names = [
        'train_val2018/Aves/2761/a.jpg',
        'train_val2018/Plantae/7477/b.jpg',
        'train_val2018/Aves/2761/c.jpg',
    ]
    return dict(
        images=[dict(id=10 + i, file_name=name) for i, name in enumerate(names)],
        annotations=[
            dict(id=2, image_id=12, category_id=3),
            dict(id=0, image_id=10, category_id=3),
            dict(id=1, image_id=11, category_id=8),
        ],
        categories=[dict(id=8, name='fern'), dict(id=3, name='owl'), dict(id=9, name='moss')],
    )


def build(root, content, **options):
    (root / 'train.json').write_text(json.dumps(content))
    return INaturalist(data_root=str(root), ann_file='train.json', **options)


def test_labels_follow_the_category_ids(tmp_path, content):
    dataset = build(tmp_path, content)
    assert dataset.metainfo['classes'] == ('owl', 'fern', 'moss')
    assert dataset.get_gt_labels().tolist() == [0, 1, 0]
    assert [dataset.get_data_info(i)['img_path'] for i in range(3)] == [
        str(tmp_path / image['file_name']) for image in content['images']
    ]


def test_images_may_be_in_another_folder(tmp_path, content):
    dataset = build(tmp_path, content, data_prefix='pictures')
    assert dataset.get_data_info(0)['img_path'] == str(
        tmp_path / 'pictures/train_val2018/Aves/2761/a.jpg'
    )


def test_it_is_built_by_mmpretrain(tmp_path, content):
    build(tmp_path, content)
    with DATASETS.switch_scope_and_registry('mmpretrain') as registry:
        dataset = registry.build(
            dict(type='vitae_mm.INaturalist', data_root=str(tmp_path), ann_file='train.json')
        )
    assert len(dataset) == 3


def test_test_files_are_rejected(tmp_path, content):
    del content['annotations']
    with pytest.raises(InputError, match=r"lacks the lists \['annotations'\].*test files"):
        build(tmp_path, content)


@pytest.mark.parametrize(
    'change',
    [
        lambda annotations: annotations.pop(),
        lambda annotations: annotations[2].update(category_id=4),
    ],
)
def test_images_without_a_category_are_reported(tmp_path, content, change):
    change(content['annotations'])
    with pytest.raises(InputError, match=r'b\.jpg .* which is not in the file'):
        build(tmp_path, content)


def test_the_number_of_classes_must_match(tmp_path, content):
    with pytest.raises(InputError, match='2 classes are given, but .* has 3 categories'):
        build(tmp_path, content, classes=('owl', 'fern'))
