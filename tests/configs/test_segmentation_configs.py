"""Segmentation: recipes, and one step of each network."""

import numpy as np
import pytest
import torch
from PIL import Image

from ..helpers.config_files import build, check_one_line, distinct, from_guide, of_task, read, steps
from ..helpers.stacks import needs_onedl

DEMO = 'seg/upernet_vitaev2_demo_10e_shapes.py'
QUICK = ('seg/upernet_vitaev2_s_160k_ade20k.py', 'seg/upernet_ceit_s_160k_ade20k.py', DEMO)
weighs_ignored_pixels = needs_onedl('mmseg 1.2.2 fails to weigh ignored pixels by class')
ADE20K = [name for name in of_task('seg') if 'ade20k' in name]


def segmentation_batch(classes, size=(96, 128)):
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    sample = SegDataSample(metainfo=dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0)))
    labels = torch.randint(classes, (1, *size))
    labels[:, :8] = 255
    sample.gt_sem_seg = PixelData(data=labels)
    # batch norm of a 1x1 map needs two samples
    return dict(
        inputs=[torch.randint(0, 255, (3, *size), dtype=torch.uint8)] * 2,
        data_samples=[sample, sample.clone()],
    )


@pytest.mark.parametrize(
    'name',
    [
        pytest.param(
            name,
            marks=[
                *([] if name in QUICK else [pytest.mark.slow]),
                *([weighs_ignored_pixels] if name == DEMO else []),
            ],
        )
        for name in distinct(of_task('seg'))
    ],
)
def test_networks_take_a_step(name):
    cfg = read(name)
    cfg.model.data_preprocessor.size = (96, 128)
    classes = cfg.model.decode_head.num_classes
    predictions = steps(cfg, segmentation_batch(classes))
    for sample in predictions:
        assert sample.seg_logits.data.shape == (classes, 96, 128)
        assert sample.pred_sem_seg.data.max() < classes


@pytest.mark.parametrize('name', ADE20K)
def test_recipes_on_ade20k_match_the_paper(name):
    cfg = read(name)
    assert (cfg.train_cfg.type, cfg.train_cfg.max_iters) == ('IterBasedTrainLoop', 160000)
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ('AdamW', 6e-5, 0.01)
    assert optimizer.betas == (0.9, 0.999)
    assert cfg.optim_wrapper.paramwise_cfg == dict(norm_decay_mult=0.0)
    warm_up, poly = cfg.param_scheduler
    assert (warm_up.begin, warm_up.end, warm_up.by_epoch) == (0, 1500, False)
    assert (poly.type, poly.power, poly.eta_min, poly.begin, poly.end, poly.by_epoch) == (
        'PolyLR',
        1.0,
        0.0,
        1500,
        160000,
        False,
    )
    assert cfg.auto_scale_lr.base_batch_size == 8 * cfg.train_dataloader.batch_size == 16
    assert cfg.model.data_preprocessor.size == cfg.crop_size == (512, 512)
    assert cfg.default_hooks.checkpoint.interval == cfg.train_cfg.val_interval == 16000
    assert cfg.default_hooks.checkpoint.by_epoch is False and cfg.log_processor.by_epoch is False
    assert cfg.model.backbone.init_cfg.type == 'Pretrained'


@pytest.mark.parametrize('model', ['s', '48m', 'b'])
def test_segmentors_have_their_drop_path_rate(model):
    assert read(f'seg/upernet_vitaev2_{model}_160k_ade20k.py').model.backbone.drop_path_rate == 0.2


def test_swapping_the_backbone_changes_one_line():
    check_one_line('seg/upernet_{}_160k_ade20k.py', 'backbones/')


def test_images_are_cropped_in_training_and_resized_in_testing(tmp_path):
    from mmengine.registry import DATASETS, DefaultScope

    for folder, count in (('images', 3), ('annotations', 1)):
        path = tmp_path / folder / 'training'
        path.mkdir(parents=True)
        values = np.random.default_rng(0).integers(0, 151, (300, 500, count), np.uint8)
        Image.fromarray(values.squeeze()).save(path / ('a.jpg' if folder == 'images' else 'a.png'))
    cfg = read('seg/upernet_vitaev2_s_160k_ade20k.py')
    dataset = cfg.train_dataloader.dataset
    for pipeline, size in ((cfg.train_pipeline, (512, 512)), (cfg.test_pipeline, (512, 853))):
        with DefaultScope.overwrite_default_scope('mmseg'):
            cropped = {**dataset, 'data_root': str(tmp_path), 'pipeline': pipeline}
            sample = DATASETS.build(cropped)[0]
        assert sample['inputs'].shape[1:] == size
        labels = sample['data_samples'].gt_sem_seg.data.unique().tolist()
        # label 0 of the files, "other", is ignored, and 1 is the first class
        assert set(labels) <= {*range(150), 255} and 255 in labels and 149 in labels
    with DefaultScope.overwrite_default_scope('mmseg'):
        views = DATASETS.build(
            {**dataset, 'data_root': str(tmp_path), 'pipeline': cfg.tta_pipeline}
        )[0]['inputs']
    assert [view.shape[1] for view in views[::2]] == [256, 384, 512, 640, 768, 896]
    assert all(torch.equal(a, b.flip(-1)) for a, b in zip(views[::2], views[1::2], strict=True))


def test_config_of_the_guide_builds(tmp_path):
    cfg = from_guide('upernet', tmp_path)
    assert build(cfg).decode_head.num_classes == len(cfg.classes)
    assert cfg.train_dataloader.dataset.metainfo.classes == cfg.classes
