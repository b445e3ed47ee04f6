"""Checks of the datasets of a config."""

import json

import pytest
from mmengine.config import Config

from vitae_mm.engine.rehearsal.rules import check_data
from vitae_mm.errors import InputError

from ....helpers.preflight import complaint


@pytest.fixture
def cfg(tmp_path):
    (tmp_path / 'img').mkdir()
    (tmp_path / 'img' / 'a.jpg').touch()
    (tmp_path / 'ann.json').write_text(
        json.dumps(
            dict(
                images=[dict(id=1, file_name='a.jpg', width=64, height=48)],
                annotations=[dict(id=1, image_id=1, category_id=1, bbox=[8, 8, 16, 16], area=256)],
                categories=[dict(id=1, name='cat'), dict(id=2, name='dog')],
            )
        )
    )
    dataset = dict(
        type='CocoDataset',
        data_root=str(tmp_path),
        ann_file='ann.json',
        data_prefix=dict(img='img/'),
        metainfo=dict(classes=('cat', 'dog')),
    )
    return Config(
        dict(
            default_scope='mmdet',
            train_dataloader=dict(dataset=dataset),
            model=dict(roi_head=dict(bbox_head=dict(num_classes=2))),
        )
    )


def test_valid_data_pass(cfg):
    check_data(cfg, ('train', 'val'))


def test_wrapped_datasets_are_checked(cfg):
    dataset = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(
        type='RepeatDataset',
        times=2,
        dataset=dict(
            type='ConcatDataset', datasets=[dataset, {**dataset, 'data_root': '/nowhere'}]
        ),
    )
    assert '/nowhere' in complaint(cfg)


def test_lists_of_loaders_are_checked(cfg):
    cfg.val_dataloader = [
        cfg.train_dataloader,
        dict(dataset={**cfg.train_dataloader.dataset, 'data_root': '/nowhere'}),
    ]
    assert '/nowhere' in complaint(cfg)


def test_remote_storage_is_not_checked(cfg):
    cfg.train_dataloader.dataset.data_root = 's3://bucket/coco/'
    check_data(cfg, ('train',))


def test_a_missing_folder_is_reported(cfg):
    cfg.train_dataloader.dataset.data_prefix.img = 'pictures/'
    assert 'pictures does not exist' in complaint(cfg)


def test_an_empty_folder_is_reported(cfg, tmp_path):
    (tmp_path / 'img' / 'a.jpg').unlink()
    assert f'{tmp_path / "img"} is empty' in complaint(cfg)


def test_a_missing_annotation_file_is_reported(cfg):
    cfg.train_dataloader.dataset.ann_file = 'none.json'
    assert 'none.json does not exist' in complaint(cfg)


@pytest.mark.parametrize('content', [b'<html>', b'', b'\xff\xfe\x00', b'{"images": ['])
def test_annotations_that_are_not_json_are_reported(cfg, tmp_path, content):
    (tmp_path / 'ann.json').write_bytes(content)
    assert 'ann.json is not JSON' in complaint(cfg)


def test_annotations_without_images_are_reported(cfg, tmp_path):
    (tmp_path / 'ann.json').write_text('{"images": [], "annotations": [], "categories": []}')
    assert 'ann.json lists no images' in complaint(cfg)


@pytest.mark.parametrize(
    'content', ['[]', '{}', '{"images": [], "annotations": [], "categories": [{"id": 1}]}']
)
def test_annotations_in_another_format_are_reported(cfg, tmp_path, content):
    (tmp_path / 'ann.json').write_text(content)
    assert 'ann.json is not in COCO format' in complaint(cfg)


def test_images_must_exist(cfg, tmp_path):
    (tmp_path / 'img' / 'a.jpg').rename(tmp_path / 'img' / 'b.jpg')
    assert 'lists the image a.jpg, which is not in' in complaint(cfg)


def test_the_annotations_of_an_evaluator_must_exist(cfg):
    cfg.val_evaluator = [dict(type='CocoMetric', ann_file='none.json')]
    assert 'val_evaluator: the annotation file none.json does not exist' in complaint(cfg)


def test_classes_may_be_a_file(cfg, tmp_path):
    (tmp_path / 'classes.txt').write_text('cat\ndog\n')
    cfg.train_dataloader.dataset.metainfo.classes = str(tmp_path / 'classes.txt')
    check_data(cfg, ('train',))


def test_datasets_that_download_are_not_checked():
    check_data(
        Config(
            dict(
                default_scope='mmpretrain',
                model={},
                train_dataloader=dict(dataset=dict(type='CIFAR10', data_root='/nowhere')),
            )
        ),
        ('train',),
    )


def test_an_unknown_dataset_type_is_reported(cfg):
    cfg.train_dataloader.dataset.type = 'CocoDatset'
    assert "'CocoDatset' is not registered in mmdet" in complaint(cfg)


def test_semantic_heads_may_have_other_classes(cfg):
    cfg.model.semantic_head = dict(num_classes=183)
    check_data(cfg, ('train',))


def test_classes_must_be_categories(cfg):
    cfg.train_dataloader.dataset.metainfo.classes = ('cat', 'cow')
    assert "classes ['cow'] are not among the categories" in complaint(cfg)
    assert "['cat', 'dog']" in complaint(cfg)


def test_a_class_given_as_a_string_is_rejected(cfg):
    cfg.train_dataloader.dataset.metainfo.classes = 'cat'
    assert "('cat', )" in complaint(cfg)


def test_the_default_classes_of_a_dataset_are_known(cfg):
    del cfg.train_dataloader.dataset['metainfo']
    assert 'person' in complaint(cfg)  # COCO's 80 are not in this file


def test_heads_must_have_the_number_of_classes(cfg):
    cfg.model.roi_head.bbox_head.num_classes = 80
    assert 'model.roi_head.bbox_head.num_classes=80' in complaint(cfg)
    assert 'has 2 classes' in complaint(cfg)


@pytest.fixture
def folders(tmp_path):
    """A classifier of three class folders."""
    for label in ('dog', 'cat', 'eel'):
        (tmp_path / 'train' / label).mkdir(parents=True)
        (tmp_path / 'train' / label / 'a.jpg').touch()
    (tmp_path / 'train' / 'list.txt').write_text('cat/a.jpg 0')
    return Config(
        dict(
            default_scope='mmpretrain',
            model=dict(head=dict(type='LinearClsHead', num_classes=3)),
            data_preprocessor=dict(num_classes=3),
            train_dataloader=dict(
                dataset=dict(type='CustomDataset', data_root=str(tmp_path), data_prefix='train')
            ),
        )
    )


def test_class_folders_are_counted(folders):
    check_data(folders, ('train',))
    folders.model.head.num_classes = 1000
    assert complaint(folders) == (
        'model.head.num_classes=1000, but train_dataloader (CustomDataset) has 3 classes '
        "('cat', 'dog', 'eel'): set num_classes to 3."
    )


def test_class_folders_must_equal_those_of_training(folders, tmp_path):
    for label in ('dog', 'cat', 'fox'):
        (tmp_path / 'val' / label).mkdir(parents=True)
    (tmp_path / 'val' / 'cat' / 'a.jpg').touch()
    folders.val_dataloader = dict(dataset=dict(folders.train_dataloader.dataset, data_prefix='val'))
    with pytest.raises(InputError, match=r"\['eel', 'fox'\] are not in both"):
        check_data(folders, ('train', 'val'))
    (tmp_path / 'val' / 'fox').rename(tmp_path / 'val' / 'eel')
    check_data(folders, ('train', 'val'))
    (tmp_path / 'val' / 'eel' / 'a.jpg').touch()
    # lists and images without labels have no class folders
    (tmp_path / 'val' / 'dog').rmdir()
    for options in (dict(ann_file='train/list.txt'), dict(ann_file='', with_label=False)):
        folders.val_dataloader.dataset.update(options)
        check_data(folders, ('train', 'val'))


def test_one_hot_labels_must_have_the_number_of_classes(folders):
    folders.data_preprocessor.num_classes = 1000
    assert complaint(folders).startswith('data_preprocessor.num_classes=1000')
    folders.model.data_preprocessor = dict(num_classes=7)
    assert complaint(folders).startswith('model.data_preprocessor.num_classes=7')
    folders.model.data_preprocessor.num_classes = None
    check_data(folders, ('train',))


@pytest.mark.parametrize('options', [dict(with_label=False), dict(ann_file='train/list.txt')])
def test_folders_that_are_not_classes_are_not_counted(folders, options):
    folders.model.head.num_classes = folders.data_preprocessor.num_classes = 4
    assert 'has 3 classes' in complaint(folders)
    folders.train_dataloader.dataset.update(options)
    check_data(folders, ('train',))


@pytest.mark.parametrize(
    'options', [dict(metainfo=dict(classes=tuple('abcd'))), dict(classes=list('abcd'))]
)
def test_given_classes_must_have_a_folder_each(folders, tmp_path, options):
    folders.model.head.num_classes = folders.data_preprocessor.num_classes = 4
    folders.train_dataloader.dataset.update(options)
    assert "has 3 class folders, ('cat', 'dog', 'eel'), for 4 classes" in complaint(folders)
    (tmp_path / 'train' / 'fox').mkdir()
    check_data(folders, ('train',))


def test_images_must_be_in_class_folders(folders, tmp_path):
    folders.train_dataloader.dataset.data_prefix = 'train/cat'
    (tmp_path / 'train' / 'cat' / 'a.jpg').touch()
    assert f'{tmp_path / "train" / "cat"} has no subfolders' in complaint(folders)


@pytest.mark.parametrize(
    'kind, count',
    [
        ('ImageNet', 1000),
        ('CIFAR10', 10),
        ('CIFAR100', 100),
        ('StanfordCars', 196),
        ('OxfordIIITPet', 37),
    ],
)
def test_classes_of_datasets_in_mmpretrain_are_counted(folders, tmp_path, kind, count):
    folders.train_dataloader.dataset = dict(type=kind, data_root=str(tmp_path))
    assert f'({kind}) has {count} classes' in complaint(folders)


def test_classes_of_inaturalist_are_counted(folders, tmp_path):
    content = dict(
        images=[dict(id=1, file_name='train/list.txt')],
        annotations=[dict(image_id=1, category_id=0)],
        categories=[dict(id=0, name='owl'), dict(id=1, name='fern')],
    )
    folders.train_dataloader.dataset = dict(
        type='vitae_mm.INaturalist', data_root=str(tmp_path), ann_file='inat.json'
    )
    (tmp_path / 'inat.json').write_text(json.dumps(content))
    assert '(INaturalist) has 2 classes' in complaint(folders)
    folders.model.head.num_classes = folders.data_preprocessor.num_classes = 2
    check_data(folders, ('train',))
    content['images'][0]['file_name'] = 'none.jpg'
    (tmp_path / 'inat.json').write_text(json.dumps(content))
    assert 'lists the image none.jpg, which is not in' in complaint(folders)


def test_subsets_and_their_datasets_are_checked(folders):
    subset = dict(
        type='vitae_mm.StratifiedSubset', fraction=0.1, dataset=folders.train_dataloader.dataset
    )
    folders.train_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=subset)
    check_data(folders, ('train',))
    subset = folders.train_dataloader.dataset.dataset
    subset.seed = -1
    assert 'seed=-1' in complaint(folders)
    subset.fraction = 10
    assert 'fraction=10: give a number above 0 and up to 1' in complaint(folders)
    del subset['fraction']
    assert 'fraction=None' in complaint(folders)


def test_reassessed_labels_must_cover_all_images(folders, tmp_path):
    file = tmp_path / 'real.json'
    file.write_text('[[1], []]')
    folders.val_evaluator = [
        dict(type='Accuracy'),
        dict(type='vitae_mm.ReassessedLabels', ann_file=str(file)),
    ]
    assert f'{file} has 2 entries, but there are 50000 images' in complaint(folders)
    folders.val_evaluator[1].num_images = 2
    check_data(folders, ('train', 'val'))
    folders.val_evaluator[1].ann_file = 's3://bucket/real.json'
    check_data(folders, ('train', 'val'))
