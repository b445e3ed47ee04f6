"""Checks of annotation files in COCO format."""

import copy
import json
import locale
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from vitae_mm.engine.rehearsal.rules import check_data

from ....helpers import training
from ....helpers.coco_file import change_annotations as change
from ....helpers.coco_file import copy_annotations
from ....helpers.complaints import complaint


@pytest.fixture
def cfg(data, tmp_path):
    """A detector with its own copy of the annotation file."""
    cfg = Config.fromfile(training.write_detector(tmp_path / 'c.py', data))
    copy_annotations(cfg, tmp_path)
    return cfg


@pytest.fixture
def pose(data, tmp_path):
    """A pose estimator with its own copy of the annotation file."""
    pose = Config.fromfile(training.write_pose_estimator(tmp_path / 'c.py', data))
    copy_annotations(pose, tmp_path)
    return pose


def evaluated(cfg, **metric):
    """Also validates on the training data."""
    cfg.val_dataloader = cfg.train_dataloader
    ann_file = cfg.train_dataloader.dataset.ann_file
    cfg.val_evaluator = dict(type='CocoMetric', ann_file=ann_file, **metric)
    return cfg


def test_the_file_is_summarized(cfg):
    def edit(content):
        content['images'].append(dict(content['images'][0], id=99))
        content['categories'].append(dict(id=9, name='circle'))
        content['annotations'][0]['category_id'] = 9
        content['annotations'][1]['iscrowd'] = 1

    content = change(cfg, edit)
    (summary,) = check_data(cfg, ('train',))['train']
    assert (summary.images, summary.empty_images) == (6, 1)
    assert (summary.annotations, summary.crowds, summary.others) == (
        len(content['annotations']),
        1,
        1,
    )
    assert summary.categories[9] == 'circle'


def test_a_file_without_annotations_is_rejected_but_for_testing(cfg, pose):
    change(cfg, lambda content: content['annotations'].clear())
    assert 'has no annotations: label some images' in complaint(cfg)
    change(cfg, lambda content: content.pop('annotations'))
    assert 'is not in COCO format' in complaint(cfg)
    cfg.test_dataloader = cfg.train_dataloader
    assert check_data(cfg, ('test',))['test'][0].annotations == 0


def test_keypoints_of_test_sets_may_be_unpublished(pose):
    change(pose, lambda content: content.pop('annotations'))
    pose.test_dataloader = pose.train_dataloader
    assert check_data(pose, ('test',))['test'][0].annotations == 0


def test_an_evaluated_id_of_0_is_rejected(cfg, pose):
    for one in (cfg, pose):
        change(one, lambda content: content['annotations'][2].update(id=0))
        check_data(one, ('train',))
    assert 'annotation 0 is never counted as found' in complaint(evaluated(cfg), 'val')
    # mmpose has a package of its own, in which 0 is an id like others
    check_data(evaluated(pose), ('val',))


def test_a_class_must_have_one_category(cfg):
    def add_root(content):
        content['categories'].insert(0, dict(id=0, name='star'))

    change(cfg, add_root)
    assert "2 categories of the name 'star', ids [0, 3]" in complaint(cfg)
    for name in ('shapes', 'shapes'):  # not a class
        change(cfg, lambda content, name=name: content['categories'][0].update(name=name))
        check_data(cfg, ('train',))


def test_classes_must_have_the_same_label_in_all_files(cfg, tmp_path):
    content = json.loads(Path(cfg.train_dataloader.dataset.ann_file).read_text())
    content['categories'].reverse()
    (tmp_path / 'other.json').write_text(json.dumps(content))
    cfg.val_dataloader = copy.deepcopy(cfg.train_dataloader)
    cfg.val_dataloader.dataset.ann_file = str(tmp_path / 'other.json')
    message = complaint(cfg)
    assert "the class 'cross' the label 0" in message and 'the order of the categories' in message


@pytest.mark.parametrize(
    'mask, words, trained',
    [
        ([[]], 'a polygon of 0 coordinates', True),
        ([[1, 1, 5, 5]], 'a polygon of 4 coordinates', True),
        ([[1, 1, 5, 5, 9, 1, 7]], 'a polygon of 7 coordinates', True),
        ([1, 1, 5, 5, 9, 1], 'not a list of polygons', False),
        ([[1, 1, 5, None, 9, 1]], 'coordinates that are not numbers', False),
        ([[1, 1, 5, float('nan'), 9, 1]], 'coordinates that are not numbers', False),
        ([[1, 1, 5, 1e12, 9, 1]], 'a coordinate of 1e+12 pixels', False),
        ('polygon', 'not a list of polygons', False),
        (dict(size=[9, 9], counts=[0, 81]), 'of size [9, 9] (height, width) in an image', False),
        (dict(size=[192, 256], counts=[0, 81]), 'counts do not add up', False),
        (dict(size=[192, 256]), 'without size and counts', False),
    ],
)
def test_masks_must_be_polygons_or_rle(cfg, mask, words, trained):
    change(cfg, lambda content: content['annotations'][1].update(segmentation=mask))
    evaluated(cfg, metric='bbox')
    check_data(cfg, ('train', 'val'))
    cfg.val_evaluator.metric = ['bbox', 'segm']
    assert words in complaint(cfg, 'val')
    cfg.train_dataloader.dataset.pipeline[1].with_mask = True
    cfg.val_evaluator.metric = 'bbox'
    if trained:
        check_data(cfg, ('train',))  # mmdet ignores such instances
    else:
        assert words in complaint(cfg, 'train')


def test_valid_masks_are_accepted(cfg):
    masks = [
        [[1, 1, 5.5, 5, 9, 1]],
        [[1, 1, 5, 5, 9, 1], [20, 20, 30, 30, 20, 30, 15, 25]],
        dict(size=[192, 256], counts=[192 * 256 - 9, 9]),
        dict(size=[192, 256], counts='abc'),
    ]

    def edit(content):
        for annotation, mask in zip(content['annotations'], masks, strict=False):
            annotation['segmentation'] = mask

    change(cfg, edit)
    check_data(evaluated(cfg, metric=['bbox', 'segm']), ('train', 'val'))


def test_files_are_read_as_utf_8(cfg, monkeypatch):
    change(cfg, lambda content: content['categories'].append(dict(id=9, name='größer')))
    path = Path(cfg.train_dataloader.dataset.ann_file)
    path.write_bytes(json.dumps(json.loads(path.read_text()), ensure_ascii=False).encode())
    monkeypatch.setattr(Path, 'read_text', None)
    assert check_data(cfg, ('train',))['train'][0].categories[9] == 'größer'


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
    assert f'annotation {content["annotations"][2]["id"]} has the box {box}' in message


def test_ids_must_differ(cfg):
    change(cfg, lambda content: content['annotations'][1].update(id=1))
    assert 'annotations: 2 entries have the id 1' in complaint(cfg)
    change(cfg, lambda content: content['images'][1].update(id=content['images'][0]['id']))
    assert 'images: 2 entries have the id' in complaint(cfg)


def test_masks_must_exist_if_they_are_loaded(cfg):
    change(cfg, lambda content: content['annotations'][4].pop('segmentation'))
    check_data(cfg, ('train',))
    cfg.train_dataloader.dataset.pipeline[1].with_mask = True
    assert 'annotation 5 of' in complaint(cfg) and 'has no segmentation' in complaint(cfg)


def test_annotations_must_have_the_keys_of_the_metric(cfg):
    change(cfg, lambda content: content['annotations'][4].pop('iscrowd'))
    check_data(cfg, ('train',))
    cfg.val_dataloader = cfg.train_dataloader
    cfg.val_evaluator = dict(type='CocoMetric', ann_file=cfg.train_dataloader.dataset.ann_file)
    assert 'an annotation has no iscrowd' in complaint(cfg, 'val')


def test_keypoints_far_outside_have_no_weight():
    """Therefore the check accepts them."""
    from mmpose.codecs import MSRAHeatmap

    codec = MSRAHeatmap(input_size=(64, 64), heatmap_size=(16, 16), sigma=1)
    points = np.array([[[8.0, 8.0], [-9.0, 8.0], [900.0, 8.0]]])
    assert codec.encode(points, np.ones((1, 3)))['keypoint_weights'].tolist() == [[1, 1, 0]]


def test_the_head_must_have_the_number_of_keypoints(pose):
    pose.model.head.out_channels = 17
    assert complaint(pose) == (
        'model.head.out_channels=17, but train_dataloader '
        '(BaseCocoStyleDataset) has 5 keypoints: set out_channels to 5.'
    )
    pose.model.head.out_channels = 15
    pose.model.head.decoder.heatmap_type = 'combined'
    check_data(pose, ('train',))


def test_converted_keypoints_are_counted(pose):
    pose.train_dataloader.dataset.pipeline.append(
        dict(type='KeypointConverter', num_keypoints=3, mapping=[(0, 0)])
    )
    assert 'has 3 keypoints' in complaint(pose)
    pose.model.head.out_channels = 3
    check_data(pose, ('train',))


def test_categories_must_have_the_number_of_keypoints(pose):
    change(pose, lambda content: content['categories'][1]['keypoints'].append('corner6'))
    message = complaint(pose)
    assert "6 keypoints for the category 'square'" in message and 'metainfo has 5' in message


def test_annotations_must_have_the_number_of_keypoints(pose):
    change(pose, lambda content: content['annotations'][2]['keypoints'].extend([1, 2, 2]))
    assert 'annotation 3 has 18 numbers for its keypoints' in complaint(pose)


def test_keypoints_must_be_defined(pose):
    del pose.train_dataloader.dataset['metainfo']
    assert 'does not define its keypoints' in complaint(pose)
    pose.train_dataloader.dataset.metainfo = dict(from_file='none.py')
    assert 'none.py' in complaint(pose)


def test_the_file_of_detected_boxes_must_exist(pose):
    pose.train_dataloader.dataset.update(bbox_file='none.json', test_mode=True)
    assert 'none.json does not exist' in complaint(pose)


@pytest.mark.parametrize('use_area, missing', [(True, 'area, iscrowd'), (False, 'iscrowd')])
def test_annotations_must_have_the_keys_of_the_pose_metric(pose, use_area, missing):
    change(
        pose, lambda content: [content['annotations'][4].pop(key) for key in ('area', 'iscrowd')]
    )
    check_data(pose, ('train',))
    pose.val_dataloader = pose.train_dataloader
    pose.val_evaluator = [
        dict(type='PCKAccuracy'),
        dict(type='CocoMetric', use_area=use_area, ann_file=pose.train_dataloader.dataset.ann_file),
    ]
    assert f'an annotation has no {missing}:' in complaint(pose, 'val')


def test_keypoints_of_datasets_in_mmpose_are_known(pose):
    pose.train_dataloader.dataset.update(type='AP10KDataset')
    del pose.train_dataloader.dataset['metainfo']
    assert '(AP10KDataset) has 17 keypoints' in complaint(pose)
    pose.model.head.out_channels = 17
    assert 'metainfo has 17' in complaint(pose)

    def edit(content):
        for category in content['categories']:
            category['keypoints'] = list(map(str, range(17)))
        for annotation in content['annotations']:
            annotation['keypoints'] += [0] * 36

    change(pose, edit)
    check_data(pose, ('train',))


def test_keypoints_must_be_in_the_same_order(pose):
    change(pose, lambda content: content['categories'][1]['keypoints'].reverse())
    assert 'has them in another order' in complaint(pose)


@pytest.mark.parametrize('value', [None, float('nan'), 'a'])
def test_keypoints_must_be_numbers(pose, value):
    change(pose, lambda content: content['annotations'][1]['keypoints'].__setitem__(3, value))
    assert 'annotation 2 has keypoints that are not numbers' in complaint(pose)


def test_ids_of_images_are_numbers_in_mmpose(pose):
    change(pose, lambda content: content['images'][0].update(id='first'))
    assert "mmpose needs numbers as ids of images, not 'first'" in complaint(pose)


def test_ids_may_be_text_or_fractions_where_packages_take_them(cfg):
    def edit(content):
        for annotation in content['annotations']:
            annotation.update(id=str(annotation['id']), image_id=str(annotation['image_id']))
        for image in content['images']:
            image['id'] = str(image['id'])

    change(cfg, edit)
    check_data(evaluated(cfg), ('train', 'val'))
    change(cfg, lambda content: content['annotations'][0].update(id='a'))
    check_data(cfg, ('train',))
    assert 'annotation a is never counted as found' in complaint(cfg, 'val')


def test_scored_poses_need_their_category(pose):
    change(pose, lambda content: content['annotations'][0].update(category_id=77))
    check_data(pose, ('train',))
    assert 'as its category 77 is not in the file' in complaint(evaluated(pose), 'val')


def test_areas_must_be_numbers(cfg):
    change(cfg, lambda content: content['annotations'][2].update(area=None))
    assert 'annotation 3 has the box' in complaint(cfg) and 'the area None' in complaint(cfg)


def score_with(cfg, path, edit, **metric):
    """Validates on the training data, with a changed copy of its annotations as ground truth."""
    content = json.loads(Path(cfg.train_dataloader.dataset.ann_file).read_text())
    edit(content)
    path.write_text(json.dumps(content))
    evaluated(cfg, **metric).val_evaluator.ann_file = str(path)


def test_a_metric_may_have_a_copy_of_the_file(cfg, pose, tmp_path):
    for one in (cfg, pose):
        score_with(one, tmp_path / 'copy.json', lambda content: None)
        check_data(one, ('train', 'val'))


@pytest.mark.parametrize(
    'edit, words',
    [
        (lambda content: content['images'].pop(), 'lacks it: set its ann_file'),
        (lambda content: content['images'][1].update(file_name='b.jpg'), 'calls it b.jpg'),
        (lambda content: content['annotations'][0].update(id=0), 'annotation 0 is never counted'),
        (lambda content: content['annotations'][0].pop('iscrowd'), 'has no iscrowd'),
        (lambda content: content['categories'].reverse(), 'the order of the categories'),
        (lambda content: content['annotations'][0].update(segmentation=[[]]), '0 coordinates'),
        (lambda content: content['annotations'].clear(), 'no annotations to compare'),
    ],
)
def test_the_file_of_a_metric_is_checked(cfg, tmp_path, edit, words):
    score_with(cfg, tmp_path / 'other.json', edit, metric=['bbox', 'segm'])
    message = complaint(cfg)
    assert words in message and str(tmp_path / 'other.json') in message
    cfg.val_evaluator.update(format_only=True, outfile_prefix='out')
    check_data(cfg, ('train', 'val'))


def test_masks_are_checked_for_a_metric_without_file(cfg):
    change(cfg, lambda content: content['annotations'][1].update(segmentation=[[1, None]]))
    evaluated(cfg, metric='segm').val_evaluator.pop('ann_file')
    assert 'coordinates that are not numbers' in complaint(cfg, 'val')


def test_a_file_is_parsed_once(cfg, monkeypatch):
    parsed = []
    loads = json.loads
    monkeypatch.setattr(json, 'loads', lambda text: parsed.append(text) or loads(text))
    check_data(evaluated(cfg), ('train', 'val'))
    assert len(parsed) == 1


def test_pycocotools_must_be_able_to_decode_the_file(cfg, monkeypatch):
    monkeypatch.setattr(locale, 'getpreferredencoding', lambda _: 'ANSI_X3.4-1968')
    check_data(cfg, ('train',))
    path = Path(cfg.train_dataloader.dataset.ann_file)
    path.write_bytes(path.read_bytes().replace(b'star', 'größer'.encode()))
    assert 'would read as ANSI_X3.4-1968: set the environment variable PYTHONUTF8=1' in complaint(
        cfg
    )
