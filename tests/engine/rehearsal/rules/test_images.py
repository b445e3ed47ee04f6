"""Checks of images in class folders or lists, for mmpretrain."""

import pytest
from mmengine.config import Config

from vitae_mm.engine.rehearsal.rules import check_data

from ....helpers.preflight import complaint


@pytest.fixture
def cfg(tmp_path):
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
def listed(cfg, tmp_path):
    """A list of the images."""
    (tmp_path / 'meta').mkdir()
    path = tmp_path / 'meta' / 'train.txt'
    path.write_text('n01440764/a.JPEG 0\n')
    return path


def test_the_class_folders_of_imagenet_are_counted(cfg, tmp_path):
    assert "train has 1 class folders, ('n01440764',), for 1000 classes" in complaint(cfg)
    for number in range(999):
        (tmp_path / 'train' / f'n{number}').mkdir()
    check_data(cfg, ('train',))


def test_the_folder_of_the_split_must_exist(cfg):
    cfg.train_dataloader.dataset.split = 'val'
    assert 'val does not exist' in complaint(cfg)
    cfg.train_dataloader.dataset.split = 'valid'
    assert "The split must be one of ['train', 'val', 'test']" in complaint(cfg)


def test_folders_must_contain_images(cfg, tmp_path):
    cfg.train_dataloader.dataset = dict(
        type='CustomDataset', data_root=str(tmp_path), data_prefix='train'
    )
    cfg.model.head.num_classes = 1
    check_data(cfg, ('train',))
    (tmp_path / 'train' / 'n01440764' / 'a.JPEG').rename(tmp_path / 'train' / 'n01440764' / 'a.txt')
    assert 'there are no images in' in complaint(cfg) and '.jpg' in complaint(cfg)


def test_listed_images_are_counted(cfg, listed):
    assert check_data(cfg, ('train',)) == ['train: 1 images listed']


def test_listed_images_must_exist(cfg, listed):
    listed.write_text('n01440764/b.JPEG 0\n')
    assert 'lists the image n01440764/b.JPEG' in complaint(cfg)


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
def test_a_line_must_be_an_image_and_its_class(cfg, listed, line):
    listed.write_text(f'n01440764/a.JPEG 0\n{line}\n')
    assert f'train.txt, line 2: {line!r} is not the name' in complaint(cfg)
    assert '0 to 999' in complaint(cfg)


def test_a_list_must_not_be_empty(cfg, listed):
    listed.write_text('')
    assert 'train.txt lists no images' in complaint(cfg)


def test_the_head_gives_the_classes_if_the_dataset_does_not(cfg, listed, tmp_path):
    cfg.train_dataloader.dataset = dict(
        type='CustomDataset',
        data_root=str(tmp_path),
        data_prefix='train',
        ann_file='meta/train.txt',
    )
    cfg.model.head.num_classes = 3
    listed.write_text('n01440764/a.JPEG 3\n')
    assert '0 to 2' in complaint(cfg)


def test_lists_on_remote_storage_are_not_checked(cfg):
    cfg.train_dataloader.dataset.ann_file = 's3://bucket/train.txt'
    assert check_data(cfg, ('train',)) == []
