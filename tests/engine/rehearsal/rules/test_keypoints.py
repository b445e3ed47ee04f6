"""Checks of keypoints in COCO format, for mmpose."""

import numpy as np
import pytest
from mmengine.config import Config

from vitae_mm.engine.rehearsal.rules import check_data

from ....helpers import training
from ....helpers.coco_file import change_annotations as change
from ....helpers.coco_file import copy_annotations
from ....helpers.preflight import complaint


@pytest.fixture
def cfg(data, tmp_path):
    """A pose estimator with its own copy of the annotation file."""
    cfg = Config.fromfile(training.write_pose_estimator(tmp_path / 'c.py', data))
    copy_annotations(cfg, tmp_path)
    return cfg


def test_instances_are_counted(cfg):
    count = len(change(cfg, lambda content: None)['annotations'])
    assert check_data(cfg, ('train',)) == [f'train: {count} instances']


def test_annotations_that_mmpose_skips_are_counted(cfg):
    def edit(content):
        annotations = content['annotations']
        annotations[0]['iscrowd'] = 1
        annotations[1]['num_keypoints'] = 0
        annotations[2]['bbox'] = [500, 5, 20, 20]
        del annotations[3]['bbox']
        annotations[4]['keypoints'] = [0] * 15

    count = len(change(cfg, edit)['annotations'])
    assert check_data(cfg, ('train',)) == [
        f'train: {count} instances, 5 without keypoints or outside the image (skipped)'
    ]
    from mmpose.datasets import BaseCocoStyleDataset

    options = {**cfg.train_dataloader.dataset, 'pipeline': []}
    options.pop('type')
    assert len(BaseCocoStyleDataset(**options)) == count - 5


def test_keypoints_outside_the_image_are_counted(cfg):
    content = change(
        cfg,
        lambda content: content['annotations'][0]['keypoints'].__setitem__(
            slice(6), [-20, 10, 2, 9000, 10, 2]
        ),
    )
    assert check_data(cfg, ('train',)) == [
        f'train: {len(content["annotations"])} instances, 2 keypoints outside the image'
    ]


def test_keypoints_far_outside_have_no_weight():
    """Therefore the check accepts them."""
    from mmpose.codecs import MSRAHeatmap

    codec = MSRAHeatmap(input_size=(64, 64), heatmap_size=(16, 16), sigma=1)
    points = np.array([[[8.0, 8.0], [-9.0, 8.0], [900.0, 8.0]]])
    assert codec.encode(points, np.ones((1, 3)))['keypoint_weights'].tolist() == [[1, 1, 0]]


def test_the_head_must_have_the_number_of_keypoints(cfg):
    cfg.model.head.out_channels = 17
    assert complaint(cfg) == (
        'model.head.out_channels=17, but train_dataloader '
        '(BaseCocoStyleDataset) has 5 keypoints: set out_channels to 5.'
    )
    cfg.model.head.out_channels = 15
    cfg.model.head.decoder.heatmap_type = 'combined'
    check_data(cfg, ('train',))


def test_converted_keypoints_are_counted(cfg):
    cfg.train_dataloader.dataset.pipeline.append(
        dict(type='KeypointConverter', num_keypoints=3, mapping=[(0, 0)])
    )
    assert 'has 3 keypoints' in complaint(cfg)
    cfg.model.head.out_channels = 3
    check_data(cfg, ('train',))


def test_categories_must_have_the_number_of_keypoints(cfg):
    change(cfg, lambda content: content['categories'][1]['keypoints'].append('corner6'))
    message = complaint(cfg)
    assert "6 keypoints for the category 'square'" in message and 'metainfo has 5' in message


def test_annotations_must_have_the_number_of_keypoints(cfg):
    change(cfg, lambda content: content['annotations'][2]['keypoints'].extend([1, 2, 2]))
    assert 'annotation 2 has 18 numbers for its keypoints' in complaint(cfg)


def test_a_file_without_annotations_is_rejected(cfg):
    change(cfg, lambda content: content['annotations'].clear())
    assert 'has no annotations that can be used' in complaint(cfg)


def test_keypoints_must_be_defined(cfg):
    del cfg.train_dataloader.dataset['metainfo']
    assert 'does not define its keypoints' in complaint(cfg)
    cfg.train_dataloader.dataset.metainfo = dict(from_file='none.py')
    assert 'none.py' in complaint(cfg)


def test_the_file_of_detected_boxes_must_exist(cfg):
    cfg.train_dataloader.dataset.update(bbox_file='none.json', test_mode=True)
    assert 'none.json does not exist' in complaint(cfg)


@pytest.mark.parametrize('use_area, missing', [(True, 'area, iscrowd'), (False, 'iscrowd')])
def test_annotations_must_have_the_keys_of_the_metric(cfg, use_area, missing):
    change(cfg, lambda content: [content['annotations'][4].pop(key) for key in ('area', 'iscrowd')])
    check_data(cfg, ('train',))
    cfg.val_dataloader = cfg.train_dataloader
    cfg.val_evaluator = [
        dict(type='PCKAccuracy'),
        dict(type='CocoMetric', use_area=use_area, ann_file=cfg.train_dataloader.dataset.ann_file),
    ]
    assert f'an annotation has no {missing}:' in complaint(cfg, 'val')


def test_keypoints_of_datasets_in_mmpose_are_known(cfg):
    cfg.train_dataloader.dataset.update(type='AP10KDataset')
    del cfg.train_dataloader.dataset['metainfo']
    assert '(AP10KDataset) has 17 keypoints' in complaint(cfg)
    cfg.model.head.out_channels = 17
    assert 'metainfo has 17' in complaint(cfg)

    def edit(content):
        for category in content['categories']:
            category['keypoints'] = list(map(str, range(17)))
        for annotation in content['annotations']:
            annotation['keypoints'] += [0] * 36

    change(cfg, edit)
    check_data(cfg, ('train',))
