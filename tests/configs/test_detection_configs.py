"""Detection: each config runs one step, and the recipe is the paper's."""
import pytest
import torch
from config_files import build, code, from_guide, of_task, read
from mmengine.optim import OPTIM_WRAPPER_CONSTRUCTORS, build_optim_wrapper


def detection_batch(classes, size=(96, 128)):
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData
    sample = DetDataSample(metainfo=dict(img_shape=size, ori_shape=size, scale_factor=(1., 1.),
                                         pad_shape=size, batch_input_shape=size))
    masks = torch.zeros(2, *size, dtype=torch.uint8)
    masks[0, 8:60, 8:60] = masks[1, 40:90, 50:120] = 1
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[8., 8, 60, 60], [50, 40, 120, 90]]),
        labels=torch.tensor([0, classes - 1]), masks=BitmapMasks(masks.numpy(), *size))
    return dict(inputs=[torch.randint(0, 255, (3, *size), dtype=torch.uint8)],
                data_samples=[sample])


@pytest.mark.parametrize('name', of_task('det'))
def test_config_steps(name):
    cfg = read(name)
    torch.manual_seed(0)
    model = build(cfg)
    model.init_weights()
    classes = cfg.model.roi_head.bbox_head.num_classes
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    before = [p.detach().clone() for p in model.parameters()]
    model.train()
    trained, reached = [p for p in model.parameters() if p.requires_grad], set()
    for p in trained:
        p.register_post_accumulate_grad_hook(lambda p: reached.add(id(p)))
    losses = model.train_step(detection_batch(classes), optimizer)
    assert all(torch.isfinite(value).all() for value in losses.values())
    assert all(id(p) in reached for p in trained)
    assert any(not torch.equal(a, b) for a, b in zip(before, model.parameters()))
    model.eval()
    with torch.no_grad():
        predictions = model.test_step(detection_batch(classes))
    assert predictions[0].pred_instances.masks.shape[1:] == (96, 128)


@pytest.mark.parametrize('schedule, epochs, steps', [('1x', 12, [8, 11]), ('3x', 36, [27, 33])])
def test_coco_recipe(schedule, epochs, steps):
    cfg = read(f'det/mask_rcnn_vitaev2_s_{schedule}.py')
    assert cfg.train_cfg.max_epochs == epochs
    assert cfg.param_scheduler[1].milestones == steps and cfg.param_scheduler[1].end == epochs
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ('AdamW', 1e-4, .05)
    assert cfg.auto_scale_lr.base_batch_size == 16 and cfg.train_dataloader.batch_size == 2
    assert cfg.model.backbone.drop_path_rate == .1
    assert cfg.model.backbone.init_cfg.type == 'Pretrained'
    whole, cropped = cfg.train_dataloader.dataset.pipeline[3].transforms
    heights = [scale[0] for scale in whole[0].scales]
    assert heights == list(range(480, 801, 32)) and cropped[2].scales == whole[0].scales
    assert cropped[1].crop_size == (384, 600)


def test_norms_are_not_decayed():
    cfg = read('det/mask_rcnn_vitaev2_s_3x.py')
    model = build(cfg)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    names = {id(p): name for name, p in model.named_parameters()}
    decay = {names[id(p)]: group['weight_decay']
             for group in wrapper.optimizer.param_groups for p in group['params']}
    for name, value in decay.items():
        assert value == (0 if '.norm' in name else .05), name
    assert OPTIM_WRAPPER_CONSTRUCTORS.get(cfg.optim_wrapper.get(
        'constructor', 'DefaultOptimWrapperConstructor'))


def test_swapping_the_backbone_is_one_line():
    ours, *others = [code(f'det/mask_rcnn_{name}_3x.py') for name in ('vitaev2_s', 'r50', 'swin_t')]
    for other in others:
        differ = [a for a, b in zip(ours, other, strict=True) if a != b]
        assert len(differ) == 1 and 'backbones/' in differ[0]


def test_the_guide_s_config_builds(tmp_path):
    cfg = from_guide('mask_rcnn', tmp_path)
    model = build(cfg)
    assert model.roi_head.bbox_head.num_classes == 1
    assert cfg.train_dataloader.dataset.metainfo.classes == ('droplet', )
    assert cfg.test_evaluator.ann_file == 'data/droplets/val.json'
