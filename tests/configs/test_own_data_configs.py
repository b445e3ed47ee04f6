"""Trainings on small data for dense tasks, and of starting weights: one step of each network."""

import pytest
import torch
from mmengine.registry import DefaultScope

from ..helpers.config_files import distinct, of_task, read, steps
from ..helpers.head_samples import pose_batches
from .test_detection_configs import detection_batch
from .test_segmentation_configs import segmentation_batch


def pictures(size):
    return torch.randint(0, 255, (2, 3, size, size), dtype=torch.uint8)


def detect(cfg):
    (found,) = steps(cfg, detection_batch(1))
    assert found.pred_instances.masks.shape[1:] == (96, 128)


def segment(cfg):
    size = cfg.model.data_preprocessor.size
    for found in steps(cfg, segmentation_batch(11, size)):
        assert found.seg_logits.data.shape == (11, *size)


def estimate(cfg):
    cfg.val_pipeline = cfg.test_pipeline
    with DefaultScope.overwrite_default_scope('mmpose'):
        batches = pose_batches(cfg)
    for found in steps(cfg, *batches):
        assert found.pred_instances.keypoints.shape == (1, 4, 2)


def classify(cfg):
    from mmpretrain.structures import DataSample

    classes = cfg.model.head.num_classes
    samples = [DataSample().set_gt_label(label) for label in (0, classes - 1)]
    for found in steps(cfg, dict(inputs=list(pictures(64)), data_samples=samples)):
        assert found.pred_score.shape == (classes,)


def pretrain(cfg):
    images = pictures(128)
    features = steps(
        cfg,
        dict(inputs=images, data_samples=[None, None]),
        dict(inputs=images.float()),
        predict=lambda model, batch: model.extract_feat(batch['inputs']),
    )
    assert features[0].shape[:2] == (2, 192)


KINDS = dict(
    mask_rcnn=detect, upernet=segment, simple_baseline=estimate, mae=pretrain, vitaev2=classify
)


@pytest.mark.parametrize(
    'name',
    [
        name if 'vitae_192' in name else pytest.param(name, marks=pytest.mark.slow)
        for name in distinct(of_task('own_data'))
    ],
)
def test_networks_take_a_step(name):
    (check,) = (kind for prefix, kind in KINDS.items() if f'/{prefix}_' in name)
    check(read(name))


@pytest.mark.parametrize('name', [n for n in of_task('own_data') if '_cifar10' in n])
def test_images_are_resized(name):
    cfg = read(name)
    train = cfg.train_dataloader.dataset.dataset
    assert train.fraction == 0.2 and train.dataset.pipeline == cfg.train_pipeline
    assert cfg.val_dataloader.dataset.dataset.pipeline == cfg.test_pipeline
    assert cfg.test_dataloader.dataset.pipeline == cfg.test_pipeline
    for pipeline in (cfg.train_pipeline, cfg.test_pipeline):
        assert [step.scale for step in pipeline if step.type == 'Resize'] == [(64, 64)]
