"""Checks of the datasets of a config: folders, files, classes."""

import json
import shutil

import pytest
from mmengine.config import Config

from vitae_mm.engine.rehearsal.rules import check_data
from vitae_mm.errors import InputError

from ....helpers import training
from ....helpers.complaints import complaint


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


def test_given_classes_must_be_in_the_order_of_their_folders(folders):
    folders.train_dataloader.dataset.metainfo = dict(classes=('dog', 'cat', 'eel'))
    message = complaint(folders)
    assert "the classes ('dog', 'cat', 'eel') are not in the order" in message
    assert "('cat', 'dog', 'eel'), which sets the labels" in message
    folders.train_dataloader.dataset.metainfo = dict(classes=('cat', 'dog', 'eel'))
    check_data(folders, ('train',))
    # names of their own, as those of ImageNet
    folders.train_dataloader.dataset.metainfo = dict(classes=('Katze', 'Hund', 'Aal'))
    check_data(folders, ('train',))


def test_a_hidden_folder_is_not_a_class(folders, tmp_path):
    (tmp_path / 'train' / '.ipynb_checkpoints').mkdir()
    assert f'the hidden folder {tmp_path / "train" / ".ipynb_checkpoints"} would be' in complaint(
        folders
    )


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


@pytest.fixture
def imagenet(tmp_path):
    """ImageNet with one of its thousand classes."""
    (tmp_path / 'train' / 'n01440764').mkdir(parents=True)
    (tmp_path / 'train' / 'n01440764' / 'a.JPEG').touch()
    return Config(
        dict(
            default_scope='mmpretrain',
            model=dict(head=dict(type='LinearClsHead', num_classes=1000)),
            train_dataloader=dict(
                dataset=dict(type='ImageNet', data_root=str(tmp_path), split='train')
            ),
        )
    )


@pytest.fixture
def listed(imagenet, tmp_path):
    """A list of the images."""
    (tmp_path / 'meta').mkdir()
    path = tmp_path / 'meta' / 'train.txt'
    path.write_text('n01440764/a.JPEG 0\n')
    return path


def test_the_folder_of_the_split_must_exist(imagenet):
    imagenet.train_dataloader.dataset.split = 'val'
    assert 'val does not exist' in complaint(imagenet)
    imagenet.train_dataloader.dataset.split = 'valid'
    assert "The split must be one of ['train', 'val', 'test']" in complaint(imagenet)


def test_images_in_a_list_of_classes_must_exist(imagenet, listed):
    listed.write_text('n01440764/b.JPEG 0\n')
    assert 'lists the image n01440764/b.JPEG' in complaint(imagenet)


@pytest.mark.parametrize(
    'line',
    [
        'n01440764/a.JPEG',
        'n01440764/a.JPEG 1000',
        'a.JPEG cat',
        'n01440764/a.JPEG -1',
        ' ',
        'n01440764/a.JPEG,0',
    ],
)
def test_a_line_must_be_an_image_and_its_class(imagenet, listed, line):
    listed.write_text(f'n01440764/a.JPEG 0\n{line}\n')
    assert f'train.txt, line 2: {line!r} is not the name' in complaint(imagenet)
    assert '0 to 999' in complaint(imagenet)


def test_a_list_must_not_be_empty(imagenet, listed):
    listed.write_text('')
    assert 'train.txt lists no images' in complaint(imagenet)


def test_the_head_gives_the_number_of_classes_of_a_list(imagenet, listed, tmp_path):
    imagenet.train_dataloader.dataset = dict(
        type='CustomDataset',
        data_root=str(tmp_path),
        data_prefix='train',
        ann_file='meta/train.txt',
    )
    imagenet.model.head.num_classes = 3
    listed.write_text('n01440764/a.JPEG 3\n')
    assert '0 to 2' in complaint(imagenet)


def test_lists_on_remote_storage_are_not_checked(imagenet):
    imagenet.train_dataloader.dataset.ann_file = 's3://bucket/train.txt'
    check_data(imagenet, ('train',))


@pytest.fixture
def root(data, tmp_path):
    return shutil.copytree(data, tmp_path / 'shapes')


@pytest.fixture
def segmentor(root, tmp_path):
    return Config.fromfile(training.write_segmentor(tmp_path / 'c.py', root))


@pytest.fixture
def class_map(root):
    return root / 'masks' / 'train' / '000003.png'


def test_each_image_needs_a_class_map(segmentor, class_map):
    class_map.unlink()
    message = complaint(segmentor)
    assert '1 of 5 class maps are missing' in message and '000003.png' in message


def test_suffixes_must_match(segmentor):
    segmentor.train_dataloader.dataset.seg_map_suffix = '_labels.png'
    assert '5 of 5 class maps are missing' in complaint(segmentor)
    segmentor.train_dataloader.dataset.img_suffix = '.bmp'
    assert "ends in '.bmp'; there are ['.jpg']: set img_suffix" in complaint(segmentor)


def test_both_folders_must_exist(segmentor):
    segmentor.train_dataloader.dataset.data_prefix.seg_map_path = 'none'
    assert 'none does not exist' in complaint(segmentor)


def test_data_prefix_must_name_both_folders(segmentor):
    segmentor.train_dataloader.dataset.data_prefix = dict(img='images/train')
    assert 'data_prefix has no img_path and no seg_map_path' in complaint(segmentor)
    segmentor.train_dataloader.dataset.data_prefix = dict(img_path='images/train')
    assert 'data_prefix has no seg_map_path' in complaint(segmentor)
    del segmentor.train_dataloader.dataset.pipeline[1]
    check_data(segmentor, ('train',))


def test_folders_may_be_links(segmentor, root):
    for kind in ('images', 'masks'):
        (root / kind / 'all').mkdir()
        (root / kind / 'all' / 'city').symlink_to(root / kind / 'train')
    segmentor.train_dataloader.dataset.data_prefix = dict(
        img_path='images/all', seg_map_path='masks/all'
    )
    check_data(segmentor, ('train',))


def test_listed_images_must_exist(segmentor, tmp_path):
    (tmp_path / 'list.txt').write_text('000001\n000009\n')
    segmentor.train_dataloader.dataset.ann_file = str(tmp_path / 'list.txt')
    assert '1 of 2 images are missing' in complaint(segmentor)
    (tmp_path / 'list.txt').write_text('000001\n000002\n')
    check_data(segmentor, ('train',))


def test_both_options_to_reduce_labels_must_agree(segmentor):
    segmentor.train_dataloader.dataset.pipeline[1].reduce_zero_label = True
    assert 'LoadAnnotations has True' in complaint(segmentor)
    segmentor.train_dataloader.dataset.reduce_zero_label = True
    check_data(segmentor, ('train',))


@pytest.mark.parametrize('classes', [None, tuple('abcde')])
def test_both_heads_must_agree(segmentor, classes):
    segmentor.train_dataloader.dataset.metainfo = dict(classes=classes) if classes else {}
    segmentor.model.auxiliary_head = dict(type='FCNHead', num_classes=19)
    message = complaint(segmentor)
    assert 'model.auxiliary_head.num_classes=19' in message
    assert ('has 5 classes' if classes else 'model.decode_head.num_classes=5') in message
    segmentor.model.auxiliary_head.num_classes = 5
    check_data(segmentor, ('train',))
    # this head predicts boundaries
    segmentor.model.auxiliary_head = [
        segmentor.model.auxiliary_head,
        dict(type='STDCHead', num_classes=2),
    ]
    check_data(segmentor, ('train',))


def test_options_that_the_dataset_rejects_are_reported(segmentor):
    segmentor.train_dataloader.dataset.type = 'ADE20KDataset'
    segmentor.model.decode_head.num_classes = 2
    segmentor.train_dataloader.dataset.metainfo.classes = ('wall', 'cheese')
    assert 'rejects its options' in complaint(segmentor) and 'cheese' in complaint(segmentor)
