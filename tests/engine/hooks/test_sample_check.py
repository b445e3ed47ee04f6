"""Unusual images are read, and unreadable ones are reported."""

import json
import pickle
import shutil

import numpy as np
import pytest
from mmcv.transforms import RandomApply, RandomResize
from mmengine.config import Config
from mmengine.dataset import ConcatDataset
from mmengine.evaluator import Evaluator
from mmengine.registry import DATASETS, DefaultScope
from mmseg.evaluation import IoUMetric
from mmseg.models import FCNHead
from PIL import ExifTags, Image
from torch import nn

from vitae_mm.engine.hooks.sample_check import ReportingPipeline, ignored_labels, report_files
from vitae_mm.errors import InputError

from ...helpers import own_transform, training  # noqa: F401

RNG = np.random.default_rng(0)
UNUSUAL = {
    'gray': Image.fromarray(RNG.integers(0, 255, (192, 256), np.uint8)),
    '16 bit': Image.fromarray(RNG.integers(0, 65535, (192, 256), np.uint16)),
    'RGBA': Image.fromarray(RNG.integers(0, 255, (192, 256, 4), np.uint8)),
    'CMYK': Image.fromarray(RNG.integers(0, 255, (192, 256, 4), np.uint8), 'CMYK'),
    'palette': Image.fromarray(RNG.integers(0, 255, (192, 256, 3), np.uint8)).quantize(),
    'one pixel': Image.fromarray(RNG.integers(0, 255, (1, 1, 3), np.uint8)),
}
BROKEN = {'empty': b'', 'text': b'not an image', 'cut': b'\xff\xd8\xff\xe0\x00\x10JFIF\x00'}


@pytest.fixture(params=training.WRITERS)
def dataset(request, data, tmp_path):
    """A dataset of a codebase, with its own copy of the data."""
    own = shutil.copytree(data, tmp_path / 'shapes')
    cfg = Config.fromfile(training.WRITERS[request.param](tmp_path / 'c.py', own))
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        built = DATASETS.build(cfg.train_dataloader.dataset)
        report_files(built)
        yield built


def first_image(dataset):
    return dataset.get_data_info(0)['img_path']


@pytest.mark.parametrize('kind', UNUSUAL)
def test_unusual_images_are_read(dataset, kind):
    path = first_image(dataset)
    # decoders ignore the suffix
    UNUSUAL[kind].save(path, format='jpeg' if kind == 'CMYK' else 'png')
    if dataset.get_data_info(0).get('seg_map_path'):
        Image.new('L', UNUSUAL[kind].size).save(dataset.get_data_info(0)['seg_map_path'])
    if kind == 'one pixel' and 'gt_label' not in dataset.get_data_info(0):
        # mmseg squeezes such a class map to a scalar; others annotate larger images
        with pytest.raises(InputError, match=path):
            dataset[0]
        return
    sample = dataset[0]['inputs']
    assert sample.shape[0] == 3 and sample.numel() and sample.dtype.itemsize == 1


@pytest.mark.parametrize('kind', BROKEN)
def test_images_that_cannot_be_decoded_are_reported(dataset, kind):
    path = first_image(dataset)
    with open(path, 'wb') as file:
        file.write(BROKEN[kind])
    with pytest.raises(InputError) as raised:
        dataset[0]
    assert path in str(raised.value) and 'remove it from the dataset' in str(raised.value)


def segmentation(data, tmp_path, labels):
    shutil.copytree(data, tmp_path / 'shapes')
    cfg = Config.fromfile(training.write_segmentor(tmp_path / 'c.py', tmp_path / 'shapes'))
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
    path = dataset.get_data_info(0)['seg_map_path']
    content = np.array(Image.open(path))
    content[:2, 0] = labels
    Image.fromarray(content).save(path)
    report_files(dataset)
    return dataset, path


def test_labels_beyond_the_classes_are_reported(data, tmp_path):
    dataset, path = segmentation(data, tmp_path, [5, 1])
    with pytest.raises(InputError, match='label 5, but there are 5 classes') as raised:
        dataset[0]
    assert path in str(raised.value)


def test_ignored_labels_are_accepted(data, tmp_path):
    dataset, _ = segmentation(data, tmp_path, [4, 255])
    with DefaultScope.overwrite_default_scope('mmseg'):
        head = FCNHead(in_channels=4, channels=4, num_classes=5, ignore_index=250)
    assert ignored_labels(nn.ModuleList([head])) == {250}
    assert dataset[0]['data_samples'].gt_sem_seg.data.max() == 255


def test_a_pipeline_is_replaced_once(data, tmp_path):
    dataset, _ = segmentation(data, tmp_path, [5, 5])
    wrapped = ConcatDataset([dataset, dataset])
    report_files(wrapped)
    assert isinstance(dataset.pipeline, ReportingPipeline)
    assert not any(isinstance(step, ReportingPipeline) for step in dataset.pipeline.transforms)
    with pytest.raises(InputError, match='label 5'):
        wrapped[0]


def test_keypoints_outside_the_image_have_no_weight(data, tmp_path):
    shutil.copytree(data, tmp_path / 'shapes')
    file = tmp_path / 'shapes/annotations/keypoints_train.json'
    content = json.loads(file.read_text())
    for annotation in content['annotations']:
        annotation['keypoints'][:3] = [-900, 5000, 2]
    file.write_text(json.dumps(content))
    cfg = Config.fromfile(training.write_pose_estimator(tmp_path / 'c.py', tmp_path / 'shapes'))
    with DefaultScope.overwrite_default_scope('mmpose'):
        sample = DATASETS.build(cfg.train_dataloader.dataset)[0]['data_samples']
    assert sample.gt_instance_labels.keypoint_weights[0, 0] == 0
    assert sample.gt_fields.heatmaps[0].max() == 0


@pytest.mark.parametrize(
    'scope, mosaic, pack',
    [('mmdet', 'Mosaic', 'PackDetInputs'), ('mmseg', 'RandomMosaic', 'PackSegInputs')],
)
def test_transforms_that_mix_images_still_draw_others(data, tmp_path, scope, mosaic, pack):
    cfg = Config.fromfile(training.WRITERS[scope](tmp_path / 'c.py', data))
    inner = cfg.train_dataloader.dataset
    inner.pipeline = [step for step in inner.pipeline if step.type.startswith('Load')]
    mixing = [dict(type=mosaic, prob=1.0, img_scale=(64, 64)), dict(type=pack)]
    with DefaultScope.overwrite_default_scope(scope):
        built = DATASETS.build(dict(type='MultiImageMixDataset', dataset=inner, pipeline=mixing))
        report_files(built)
        # also in data workers, to which it is pickled
        assert pickle.loads(pickle.dumps(built))[0]['inputs'].shape == built[0]['inputs'].shape


def test_labels_that_all_heads_ignore_are_accepted():
    with DefaultScope.overwrite_default_scope('mmseg'):
        heads = [
            FCNHead(in_channels=4, channels=4, num_classes=5, ignore_index=label)
            for label in (5, 255, None)
        ]
    # a loss without classes follows its head
    assert ignored_labels(nn.ModuleList(heads[:1])) == {5}
    assert ignored_labels(nn.ModuleList(heads[:2])) == set()
    assert ignored_labels(heads[2]) == set()
    assert ignored_labels(nn.Linear(1, 1)) == {255}
    evaluator = Evaluator([IoUMetric(ignore_index=7)])
    assert ignored_labels(heads[0], evaluator) == {5, 7}


def turned_detection_data(data, tmp_path, pipeline):
    """A detection dataset whose images are annotated as they are stored, a quarter turn off."""
    own = shutil.copytree(data, tmp_path / 'shapes')
    for path in (own / 'images/train').iterdir():
        with Image.open(path) as image:
            exif = image.getexif()
            exif[ExifTags.Base.Orientation] = 8
            image.save(path, exif=exif)
    cfg = Config.fromfile(training.write_detector(tmp_path / 'c.py', own))
    dataset = cfg.train_dataloader.dataset
    steps = dataset.pipeline
    steps[1].with_mask = True
    dataset.pipeline = pipeline(steps)
    return dataset


def nest(steps):
    """Loads images and annotations within one item of the pipeline."""
    return [dict(type='RandomChoice', transforms=[steps[:3]]), *steps[3:]]


@pytest.mark.parametrize('pipeline', [list, nest])
def test_sizes_are_compared_in_nested_pipelines(data, tmp_path, pipeline):
    cfg = turned_detection_data(data, tmp_path, pipeline)
    with DefaultScope.overwrite_default_scope('mmdet'):
        dataset = DATASETS.build(cfg)
    report_files(dataset)
    with pytest.raises(InputError, match='192 x 256 .*256 x 192 .* turned by its EXIF'):
        dataset[0]


def test_mixed_images_are_reported(data, tmp_path):
    own = shutil.copytree(data, tmp_path / 'shapes')
    cfg = Config.fromfile(training.write_detector(tmp_path / 'c.py', own))
    inner = cfg.train_dataloader.dataset
    load, pack = inner.pipeline[:2], inner.pipeline[-1:]
    inner.pipeline = load
    steps = [dict(type='Mosaic', img_scale=(64, 64)), dict(type='OwnTransform'), *pack]
    with DefaultScope.overwrite_default_scope('mmdet'):
        mixed = dict(type='MultiImageMixDataset', dataset=inner, pipeline=steps)
        dataset = DATASETS.build(mixed)
        report_files(dataset)
        report_files(dataset)
        with pytest.raises(InputError, match='the transform OwnTransform fails on .* in line 10'):
            dataset[0]
        del dataset.pipeline[1], dataset.pipeline_types[1]
        assert dataset[0]['inputs'].shape == (3, 128, 128)


def test_images_are_augmented_for_tests(data, tmp_path):
    own = shutil.copytree(data, tmp_path / 'shapes')
    cfg = Config.fromfile(training.write_segmentor(tmp_path / 'c.py', own)).train_dataloader.dataset
    flips = [dict(type='RandomFlip', prob=float(prob)) for prob in (0, 1)]
    # mmseg loads class maps after resizing images
    resize = dict(type='Resize', scale=(128, 96))
    augment = dict(type='TestTimeAug', transforms=[flips, cfg.pipeline[1:2], cfg.pipeline[2:]])
    cfg.pipeline = [cfg.pipeline[0], resize, augment]
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(cfg)
    report_files(dataset, {255})
    assert len(dataset[0]['inputs']) == 2
    path = dataset.get_data_info(0)['seg_map_path']
    Image.new('L', (256, 192), 9).save(path)
    with pytest.raises(InputError, match=f'{path}: the class map contains label 9'):
        dataset[0]


def test_reporting_pipelines_can_be_sent_to_workers(dataset):
    copied = pickle.loads(pickle.dumps(dataset))
    assert isinstance(copied.pipeline, ReportingPipeline)
    assert copied[0]['inputs'].shape == dataset[0]['inputs'].shape


def test_transforms_of_codebases_are_named_without_blaming_users(data, tmp_path):
    dataset, path = segmentation(data, tmp_path, [1, 1])
    dataset.pipeline.transforms.insert(2, RandomApply([RandomResize(scale=(8, 8))], prob=1.0))
    with pytest.raises(InputError) as raised:
        dataset[0]
    message = str(raised.value)
    assert 'the transform RandomResize fails on' in message and path in message
    assert 'remove it from the dataset' in message and ' in line ' not in message
