"""Remarks on objects that are too small for the anchors."""

from types import SimpleNamespace

import pytest
import torch
from mmdet.models.task_modules import AnchorGenerator, MlvlPointGenerator
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.structures import InstanceData
from torch import nn

from vitae_mm.engine.rehearsal.anchors import check_anchors
from vitae_mm.engine.rehearsal.report import Report

ANCHORS = AnchorGenerator(strides=[4, 8], ratios=[0.5, 1.0, 2.0], scales=[8])  # 32 and 64 pixels


def detector(generator, head='rpn_head'):
    model = nn.Module()
    setattr(model, head, SimpleNamespace(prior_generator=generator))
    return model


def sample(*sides):
    boxes = torch.tensor([[10.0, 20.0, 10.0 + side / 2, 20.0 + 2 * side] for side in sides])
    instances = InstanceData(bboxes=HorizontalBoxes(boxes.view(-1, 4)))
    return dict(data_samples=SimpleNamespace(gt_instances=instances))


def remarks(model, *samples):
    report = Report()
    check_anchors(model, samples, report)
    return report.remarks


@pytest.mark.parametrize('head', ['rpn_head', 'bbox_head'])
def test_objects_without_an_anchor_of_their_size_are_remarked_on(head):
    (remark,) = remarks(detector(ANCHORS, head), sample(8, 15.9, 16.1), sample(), sample(40))
    assert remark.startswith('2 of 4 objects in 3 training images are smaller than half of the ')
    assert '(median side 16 pixels, anchor 32)' in remark


def test_a_few_small_objects_are_usual():
    assert not remarks(detector(ANCHORS), sample(8, 17, 300), sample(40))
    assert not remarks(detector(ANCHORS), sample())


def test_models_without_anchors_are_skipped():
    assert not remarks(detector(MlvlPointGenerator([4, 8])), sample(1, 2))
    assert not remarks(nn.Module(), sample(1))
    assert not remarks(detector(ANCHORS), dict(inputs=torch.zeros(3, 8, 8)))
