"""Unusual images are read, and unreadable ones are reported."""

import json
import pickle
import shutil

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import ConcatDataset
from mmengine.registry import DATASETS, DefaultScope
from mmseg.models import FCNHead
from PIL import Image
from torch import nn

from vitae_mm.engine.hooks.sample_check import ReportingPipeline, ignored_labels, report_files
from vitae_mm.errors import InputError

from ...helpers import training

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
