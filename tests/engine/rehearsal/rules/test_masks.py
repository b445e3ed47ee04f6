"""Checks of images and class maps, for mmseg."""

import shutil

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from vitae_mm.engine.rehearsal.rules import check_data

from ....helpers import training
from ....helpers.preflight import complaint


@pytest.fixture
def root(data, tmp_path):
    return shutil.copytree(data, tmp_path / 'shapes')


@pytest.fixture
def cfg(root, tmp_path):
    return Config.fromfile(training.write_segmentor(tmp_path / 'c.py', root))


@pytest.fixture
def class_map(root):
    return root / 'masks' / 'train' / '000003.png'


def put(path, label, kind=np.uint8):
    pixels = np.zeros((192, 256), kind)
    pixels[0, 0] = label
    assert cv2.imwrite(str(path), pixels)


def test_images_and_class_maps_are_counted(cfg):
    assert check_data(cfg, ('train',)) == ['train: 5 images with class maps; 5 class maps checked']


def test_each_image_needs_a_class_map(cfg, class_map):
    class_map.unlink()
    message = complaint(cfg)
    assert '1 of 5 class maps are missing' in message and '000003.png' in message


def test_suffixes_must_match(cfg):
    cfg.train_dataloader.dataset.seg_map_suffix = '_labels.png'
    assert '5 of 5 class maps are missing' in complaint(cfg)
    cfg.train_dataloader.dataset.img_suffix = '.bmp'
    assert "ends in '.bmp'; there are ['.jpg']: set img_suffix" in complaint(cfg)


def test_both_folders_must_exist(cfg):
    cfg.train_dataloader.dataset.data_prefix.seg_map_path = 'none'
    assert 'none does not exist' in complaint(cfg)


def test_data_prefix_must_name_both_folders(cfg):
    cfg.train_dataloader.dataset.data_prefix = dict(img='images/train')
    assert 'data_prefix has no img_path and no seg_map_path' in complaint(cfg)
    cfg.train_dataloader.dataset.data_prefix = dict(img_path='images/train')
    assert 'data_prefix has no seg_map_path' in complaint(cfg)
    del cfg.train_dataloader.dataset.pipeline[1]
    check_data(cfg, ('train',))


def test_folders_may_be_links(cfg, root):
    for kind in ('images', 'masks'):
        (root / kind / 'all').mkdir()
        (root / kind / 'all' / 'city').symlink_to(root / kind / 'train')
    cfg.train_dataloader.dataset.data_prefix = dict(img_path='images/all', seg_map_path='masks/all')
    assert check_data(cfg, ('train',))[0].startswith('train: 5 images')


def test_listed_images_must_exist(cfg, tmp_path):
    (tmp_path / 'list.txt').write_text('000001\n000009\n')
    cfg.train_dataloader.dataset.ann_file = str(tmp_path / 'list.txt')
    assert '1 of 2 images are missing' in complaint(cfg)
    (tmp_path / 'list.txt').write_text('000001\n000002\n')
    assert check_data(cfg, ('train',))[0].startswith('train: 2 images')


def test_labels_beyond_the_last_class_are_reported(cfg, class_map):
    put(class_map, 5)
    message = complaint(cfg)
    assert f'{class_map} contains the label 5, but there are 5 classes, numbered 0 to 4' in message
    put(class_map, 255)
    check_data(cfg, ('train',))


def test_the_head_may_ignore_another_label(cfg, class_map):
    put(class_map, 200)
    assert 'contains the label 200' in complaint(cfg)
    cfg.model.decode_head.ignore_index = 200
    check_data(cfg, ('train',))


def test_reduced_labels_are_checked(cfg, class_map):
    cfg.train_dataloader.dataset.reduce_zero_label = True
    put(class_map, 5)  # the fifth class
    check_data(cfg, ('train',))
    put(class_map, 6)
    assert 'contains the label 6' in complaint(cfg) and 'after reduce_zero_label' in complaint(cfg)


def test_both_options_to_reduce_labels_must_agree(cfg):
    cfg.train_dataloader.dataset.pipeline[1].reduce_zero_label = True
    assert 'LoadAnnotations has True' in complaint(cfg)
    cfg.train_dataloader.dataset.reduce_zero_label = True
    check_data(cfg, ('train',))


def test_labels_are_converted_as_in_mmseg(cfg, class_map):
    """Also for a subset of the classes of the dataset."""
    from mmseg.datasets import ADE20KDataset
    from mmseg.datasets.transforms import LoadAnnotations

    from vitae_mm.engine.rehearsal.rules.masks import _as_loaded

    labels = np.arange(256)
    assert cv2.imwrite(str(class_map), labels.astype(np.uint8)[None])
    for reduce in (True, False):
        dataset = ADE20KDataset(
            lazy_init=True, reduce_zero_label=reduce, metainfo=dict(classes=('sky', 'wall'))
        )
        loaded = LoadAnnotations()(
            dict(
                seg_map_path=str(class_map),
                label_map=dataset.label_map,
                seg_fields=[],
                reduce_zero_label=reduce,
            )
        )['gt_seg_map']
        assert list(_as_loaded(labels, dataset)) == loaded.tolist()


@pytest.mark.parametrize('content', [b'', b'not an image'])
def test_class_maps_must_be_decodable(cfg, class_map, content):
    class_map.write_bytes(content)
    assert f'{class_map} cannot be read' in complaint(cfg)


def test_truncated_class_maps_are_reported(cfg, class_map):
    class_map.write_bytes(class_map.read_bytes()[:-60])
    assert f'{class_map} cannot be read' in complaint(cfg)


def test_class_maps_must_have_one_channel(cfg, class_map):
    assert cv2.imwrite(str(class_map), np.zeros((192, 256, 3), np.uint8))
    assert f'{class_map} has 3 channels' in complaint(cfg)


def test_class_maps_must_have_eight_bits(cfg, class_map):
    put(class_map, 300, np.uint16)
    assert 'contains the label 300: mmseg reads 8 bits' in complaint(cfg)


@pytest.mark.parametrize('classes', [None, tuple('abcde')])
def test_both_heads_must_agree(cfg, classes):
    cfg.train_dataloader.dataset.metainfo = dict(classes=classes) if classes else {}
    cfg.model.auxiliary_head = dict(type='FCNHead', num_classes=19)
    message = complaint(cfg)
    assert 'model.auxiliary_head.num_classes=19' in message
    assert ('has 5 classes' if classes else 'model.decode_head.num_classes=5') in message
    cfg.model.auxiliary_head.num_classes = 5
    check_data(cfg, ('train',))
    # this head predicts boundaries
    cfg.model.auxiliary_head = [cfg.model.auxiliary_head, dict(type='STDCHead', num_classes=2)]
    check_data(cfg, ('train',))


def test_the_head_gives_the_classes_if_the_dataset_does_not(cfg, class_map):
    cfg.train_dataloader.dataset.metainfo = {}
    put(class_map, 5)
    assert 'there are 5 classes' in complaint(cfg)


def test_options_that_the_dataset_rejects_are_reported(cfg):
    cfg.train_dataloader.dataset.type = 'ADE20KDataset'
    cfg.model.decode_head.num_classes = 2
    cfg.train_dataloader.dataset.metainfo.classes = ('wall', 'cheese')
    assert 'rejects its options' in complaint(cfg) and 'cheese' in complaint(cfg)
