"""tools/analysis/confusion_matrix.py with small models of every codebase."""

import json
import runpy
from collections import Counter
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope

from vitae_mm.datasets.shapes import CLASSES
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError

from ...helpers import training
from ...helpers.commands import ROOT

TOOL = 'tools/analysis/confusion_matrix.py'


@pytest.fixture(scope='module')
def tool():
    return SimpleNamespace(**runpy.run_path(str(ROOT / TOOL)))


@pytest.fixture
def confusion(run_tool, data, tmp_path):
    """Runs the tool on a model with random weights; returns the classes and their counts."""

    def run(write):
        path, checkpoint, out = write(tmp_path / 'c.py', data), tmp_path / 'c.pth', tmp_path / 'out'
        torch.save(build_model(Config.fromfile(path)).state_dict(), checkpoint)
        outputs = '--out', out / 'c.png', '--json', out / 'c.json', '--work-dir', tmp_path / 'w'
        run_tool(TOOL, path, checkpoint, *outputs)
        assert cv2.imread(str(out / 'c.png')).std() > 10
        content = json.loads((out / 'c.json').read_text())
        return content['classes'], np.array(content['counts'])

    return run


@pytest.mark.slow
def test_images_of_a_classifier_are_counted(confusion, data):
    classes, counts = confusion(training.write_classifier)
    assert classes == sorted(CLASSES)
    files = sorted((data / 'classes/train').glob('*/*.jpg'))[:16]
    images = Counter(path.parent.name for path in files)
    assert counts.sum(1).tolist() == [images[label] for label in classes]


@pytest.mark.slow
def test_pixels_of_a_segmentor_are_counted(confusion, data):
    classes, counts = confusion(training.write_segmentor)
    assert classes == ['ground', *CLASSES]
    maps = [
        cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (data / 'masks/train').glob('*.png')
    ]
    assert counts.sum(1).tolist() == np.bincount(np.ravel(maps), minlength=5).tolist()


@pytest.mark.slow
def test_objects_of_a_detector_are_counted(confusion, data):
    classes, counts = confusion(training.write_detector)
    assert classes == [*CLASSES, 'background']
    entries = json.loads((data / 'annotations/instances_train.json').read_text())['annotations']
    objects = Counter(entry['category_id'] - 1 for entry in entries)
    assert counts.sum(1)[:-1].tolist() == [objects[label] for label in range(len(CLASSES))]


def test_objects_are_at_the_size_of_the_image(tool, data, tmp_path):
    # this config loads annotations before the image is resized
    cfg = Config.fromfile(training.write_detector(tmp_path / 'c.py', data))
    tool.measure_confusion(cfg)
    with DefaultScope.overwrite_default_scope('mmdet'):
        item = DATASETS.build(cfg.test_dataloader.dataset)[0]
    assert item['inputs'].shape == (3, 48, 64)
    entries = json.loads((data / 'annotations/instances_train.json').read_text())['annotations']
    boxes = [entry['bbox'] for entry in entries if entry['image_id'] == 0]
    corners = [[x, y, x + width, y + height] for x, y, width, height in boxes]
    assert item['data_samples'].gt_instances.bboxes.tensor.tolist() == corners


def test_pose_estimators_are_rejected(tool, data, tmp_path):
    cfg = Config.fromfile(training.write_pose_estimator(tmp_path / 'c.py', data))
    with pytest.raises(
        InputError, match="'mmpose' of the config has no confusion matrix: give a config of"
    ):
        tool.measure_confusion(cfg)


def test_classes_may_have_no_names(tool):
    assert tool.class_names({}, 2) == ['0', '1']
    assert tool.class_names(dict(classes=('a',)), 2) == ['a', 'background']
