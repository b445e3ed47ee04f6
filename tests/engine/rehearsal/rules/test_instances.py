"""Checks of boxes and masks in COCO format, for mmdet."""

import pytest
from mmengine.config import Config

from vitae_mm.engine.rehearsal.rules import check_data

from ....helpers import training
from ....helpers.coco_file import change_annotations as change
from ....helpers.coco_file import copy_annotations
from ....helpers.preflight import complaint


@pytest.fixture
def cfg(data, tmp_path):
    """A detector with its own copy of the annotation file."""
    cfg = Config.fromfile(training.write_detector(tmp_path / 'c.py', data))
    copy_annotations(cfg, tmp_path)
    return cfg


def test_instances_are_counted(cfg):
    count = len(change(cfg, lambda content: None)['annotations'])
    assert check_data(cfg, ('train',)) == [f'train: {count} instances']


def test_annotations_that_mmdet_skips_are_counted(cfg):
    boxes = [[-30, 5, 20, 20], [5, 400, 20, 20], [5, 5, 0, 20], [5, 5, 20, 0.5]]

    def edit(content):
        content['categories'].append(dict(id=9, name='circle'))
        content['annotations'][0]['category_id'] = 9
        for annotation, box in zip(content['annotations'][1:5], boxes, strict=True):
            annotation['bbox'] = box
        content['annotations'][5]['area'] = 0

    count = len(change(cfg, edit)['annotations'])
    (line,) = check_data(cfg, ('train',))
    assert line == (
        f'train: {count} instances, 1 of other classes (skipped), 5 outside the image or too small '
        '(skipped)'
    )
    from mmdet.datasets import CocoDataset

    options = {**cfg.train_dataloader.dataset, 'pipeline': []}
    options.pop('type')
    kept = sum(len(entry['instances']) for entry in CocoDataset(**options).load_data_list())
    assert kept == count - 6


def test_boxes_partly_outside_the_image_are_used(cfg):
    content = change(
        cfg,
        lambda content: [
            annotation.update(bbox=[-5, -5, 20, 20]) for annotation in content['annotations']
        ],
    )
    assert check_data(cfg, ('train',)) == [f'train: {len(content["annotations"])} instances']


def test_a_file_without_annotations_is_rejected(cfg):
    change(cfg, lambda content: content['annotations'].clear())
    assert 'has no annotations that can be used' in complaint(cfg)
    # annotations of test sets may be unpublished
    cfg.test_dataloader.dataset.ann_file = cfg.train_dataloader.dataset.ann_file
    assert check_data(cfg, ('test',)) == []


def test_a_file_without_usable_annotations_is_rejected(cfg):
    change(
        cfg,
        lambda content: [
            annotation.update(bbox=[900, 900, 9, 9]) for annotation in content['annotations']
        ],
    )
    assert 'none of the' in complaint(cfg)


def test_images_below_the_minimum_size_are_skipped(cfg):
    cfg.train_dataloader.dataset.filter_cfg = dict(min_size=500)
    assert 'none of the' in complaint(cfg)
    cfg.train_dataloader.dataset.test_mode = True
    check_data(cfg, ('train',))


@pytest.mark.parametrize(
    'key, words',
    [
        ('category_id', 'has no category_id'),
        ('bbox', 'has no bbox'),
        ('area', 'has no area'),
        ('id', 'has no id'),
    ],
)
def test_annotations_must_have_all_keys(cfg, key, words):
    change(cfg, lambda content: content['annotations'][3].pop(key))
    assert f'an annotation {words}' in complaint(cfg)


@pytest.mark.parametrize('key', ['width', 'height', 'id', 'file_name'])
def test_images_must_have_all_keys(cfg, key):
    change(cfg, lambda content: content['images'][1].pop(key))
    assert f'an entry of images has no {key}' in complaint(cfg)


@pytest.mark.parametrize('box', [[1, 2, 3], None, [1, 2, 'a', 4], [1, 2, float('nan'), 4], 5])
def test_boxes_must_be_four_numbers(cfg, box):
    content = change(cfg, lambda content: content['annotations'][2].update(bbox=box))
    message = complaint(cfg)
    assert f'the box of annotation {content["annotations"][2]["id"]} is {box}' in message


def test_ids_must_differ(cfg):
    change(cfg, lambda content: content['annotations'][1].update(id=0))
    assert '2 annotations have the id 0' in complaint(cfg)


def test_masks_must_exist_if_they_are_loaded(cfg):
    change(cfg, lambda content: content['annotations'][4].pop('segmentation'))
    check_data(cfg, ('train',))
    cfg.train_dataloader.dataset.pipeline[1].with_mask = True
    assert 'annotation 4 of' in complaint(cfg) and 'has no segmentation' in complaint(cfg)


def test_annotations_must_have_the_keys_of_the_metric(cfg):
    change(cfg, lambda content: content['annotations'][4].pop('iscrowd'))
    check_data(cfg, ('train',))
    cfg.val_dataloader = cfg.train_dataloader
    cfg.val_evaluator = dict(type='CocoMetric', ann_file=cfg.train_dataloader.dataset.ann_file)
    assert 'an annotation has no iscrowd' in complaint(cfg, 'val')
