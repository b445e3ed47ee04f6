"""Detection: recipes, and one step of each network."""

import pytest
import torch
from mmengine.optim import OPTIM_WRAPPER_CONSTRUCTORS, build_optim_wrapper

from ..helpers.config_files import (
    build,
    check_one_line,
    code,
    distinct,
    from_guide,
    of_task,
    read,
    steps,
)

QUICK = (
    'det/mask_rcnn_vitaev2_s_1x.py',
    'det/mask_rcnn_vitae_s_1x.py',
    'det/retinanet_vitaev2_s_1x.py',
    'det/mask_rcnn_vitaev2_demo_4e_shapes.py',
)


def detection_batch(classes, size=(96, 128)):
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData

    sample = DetDataSample(
        metainfo=dict(
            img_shape=size,
            ori_shape=size,
            scale_factor=(1.0, 1.0),
            pad_shape=size,
            batch_input_shape=size,
        )
    )
    masks = torch.zeros(2, *size, dtype=torch.uint8)
    masks[0, 8:60, 8:60] = masks[1, 40:90, 50:120] = 1
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[8.0, 8, 60, 60], [50, 40, 120, 90]]),
        labels=torch.tensor([0, classes - 1]),
        masks=BitmapMasks(masks.numpy(), *size),
    )
    return dict(
        inputs=[torch.randint(0, 255, (3, *size), dtype=torch.uint8)], data_samples=[sample]
    )


@pytest.mark.parametrize(
    'name',
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
        for name in distinct(of_task('det'))
    ],
)
def test_networks_take_a_step(name):
    cfg = read(name)
    head = cfg.model.get('bbox_head') or cfg.model.roi_head.bbox_head
    classes = (head[0] if isinstance(head, list) else head).num_classes
    predictions = steps(cfg, detection_batch(classes))
    if 'roi_head' in cfg.model:
        assert predictions[0].pred_instances.masks.shape[1:] == (96, 128)
    assert predictions[0].pred_instances.bboxes.shape[1] == 4


@pytest.mark.parametrize('name', [name for name in of_task('det') if 'shapes' not in name])
def test_recipes_on_coco_match_the_paper(name):
    cfg = read(name)
    epochs, milestones = dict(_1x=(12, [8, 11]), _3x=(36, [27, 33]))[name[-6:-3]]
    assert cfg.train_cfg.max_epochs == epochs
    warm_up, steps = cfg.param_scheduler
    assert (warm_up.by_epoch, warm_up.end) == (False, 1000)
    assert steps.milestones == milestones and steps.end == epochs and steps.gamma == 0.1
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ('AdamW', 1e-4, 0.05)
    assert optimizer.betas == (0.9, 0.999) and cfg.optim_wrapper.get('clip_grad') is None
    assert cfg.auto_scale_lr.base_batch_size == 16 and cfg.train_dataloader.batch_size == 2
    assert cfg.model.backbone.init_cfg.type == 'Pretrained'
    pipeline = cfg.train_dataloader.dataset.pipeline
    assert (pipeline[2].type, pipeline[2].prob) == ('RandomFlip', 0.5)
    whole, cropped = pipeline[3].transforms
    heights = [scale[0] for scale in whole[0].scales]
    assert heights == list(range(480, 801, 32)) and cropped[2].scales == whole[0].scales
    assert cropped[1].crop_size == (384, 600)
    # masks are loaded and evaluated if there are heads for them
    assert pipeline[1].get('with_mask', False) == ('roi_head' in cfg.model)
    assert ('segm' in cfg.test_evaluator.metric) == ('roi_head' in cfg.model)


@pytest.mark.parametrize(
    'name, rate',
    [
        ('mask_rcnn_vitaev2_s_1x', 0.1),
        ('retinanet_vitaev2_s_1x', 0.1),
        ('mask_rcnn_vitaev2_s_3x', 0.1),
        ('cascade_rcnn_vitaev2_s_3x', 0.1),
        ('mask_rcnn_vitaev2_48m_3x', 0.25),
        ('mask_rcnn_vitaev2_b_3x', 0.4),
    ],
)
def test_detectors_have_their_drop_path_rates(name, rate):
    assert read(f'det/{name}.py').model.backbone.drop_path_rate == rate


def test_cascade_heads_match_the_paper():
    from mmdet.models.losses import GIoULoss

    model = build(read('det/cascade_rcnn_vitaev2_s_3x.py'))
    stds = [head.bbox_coder.stds for head in model.roi_head.bbox_head]
    assert stds == [[0.1, 0.1, 0.2, 0.2], [0.05, 0.05, 0.1, 0.1], [0.033, 0.033, 0.067, 0.067]]
    for head in model.roi_head.bbox_head:
        assert len(head.shared_convs) == 4 and len(head.shared_fcs) == 1
        assert all(isinstance(conv.bn, torch.nn.SyncBatchNorm) for conv in head.shared_convs)
        assert isinstance(head.loss_bbox, GIoULoss) and head.loss_bbox.loss_weight == 10
        assert head.reg_decoded_bbox


def test_norms_are_not_decayed():
    cfg = read('det/mask_rcnn_vitaev2_s_3x.py')
    model = build(cfg)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    names = {id(p): name for name, p in model.named_parameters()}
    decay = {
        names[id(p)]: group['weight_decay']
        for group in wrapper.optimizer.param_groups
        for p in group['params']
    }
    for name, value in decay.items():
        assert value == (0 if '.norm' in name else 0.05), name
    assert OPTIM_WRAPPER_CONSTRUCTORS.get(
        cfg.optim_wrapper.get('constructor', 'DefaultOptimWrapperConstructor')
    )


@pytest.mark.parametrize(
    'form',
    [
        'mask_rcnn_{}_1x',
        'mask_rcnn_{}_3x',
        'cascade_rcnn_{}_1x',
        'cascade_rcnn_{}_3x',
        'retinanet_{}_1x',
    ],
)
def test_swapping_the_backbone_changes_one_line(form):
    check_one_line(f'det/{form}.py', 'backbones/')


def test_a_backbone_of_one_scale_changes_two_lines():
    scales, isotropic = (code(f'det/mask_rcnn_{name}_1x.py') for name in ('vitaev2_s', 'vitae_s'))
    differ = [line for line in isotropic if line not in scales]
    assert len(differ) == 2 and 'models/mask_rcnn_isotropic.py' in differ[1]


def test_config_of_the_guide_builds(tmp_path):
    cfg = from_guide('mask_rcnn', tmp_path)
    model = build(cfg)
    assert model.roi_head.bbox_head.num_classes == 1
    assert cfg.train_dataloader.dataset.metainfo.classes == ('droplet',)
    assert cfg.test_evaluator.ann_file == 'data/droplets/val.json'
