"""Pose estimation: recipes, and one step of each network."""

import json

import numpy as np
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DATASETS, DefaultScope
from PIL import Image

from ..helpers.config_files import build, check_one_line, distinct, from_guide, of_task, read, steps

QUICK = (
    'pose/simple_baseline_vitaev2_s_210e_ap10k.py',
    'pose/simple_baseline_vitaev2_demo_3e_shapes.py',
)
PUBLISHED = [name for name in of_task('pose') if 'shapes' not in name]


@pytest.fixture(scope='module')
def animals(tmp_path_factory):
    """Two animals with 17 keypoints in one image, in the format of AP-10K and COCO."""
    root = tmp_path_factory.mktemp('pose')
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (120, 160, 3), np.uint8)).save(root / 'a.jpg')
    points = np.stack([rng.integers(30, 130, 17), rng.integers(20, 100, 17), np.full(17, 2)], 1)
    annotation = dict(
        image_id=1,
        category_id=1,
        bbox=[20, 10, 120, 100],
        area=12000,
        iscrowd=0,
        num_keypoints=17,
        keypoints=points.ravel().tolist(),
    )
    (root / 'a.json').write_text(
        json.dumps(
            dict(
                info={},
                images=[dict(id=1, file_name='a.jpg', width=160, height=120)],
                annotations=[dict(id=i, **annotation) for i in (1, 2)],
                categories=[
                    dict(id=1, name='antelope', keypoints=[f'{i}' for i in range(17)], skeleton=[])
                ],
            )
        )
    )
    return root


def batch_of(cfg, root, pipeline, **metainfo):
    dataset = {
        key: value
        for key, value in cfg.train_dataloader.dataset.items()
        if key in ('type', 'data_mode', 'metainfo')
    }
    with DefaultScope.overwrite_default_scope('mmpose'):
        built = DATASETS.build(
            dict(
                **dataset,
                data_root=str(root),
                ann_file='a.json',
                data_prefix=dict(img=''),
                pipeline=pipeline,
            )
        )
    samples = [built[i] for i in range(2)]
    return {key: [sample[key] for sample in samples] for key in samples[0]}


@pytest.mark.parametrize(
    'name',
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
        for name in distinct(PUBLISHED)
    ],
)
def test_networks_take_a_step(name, animals):
    cfg = read(name)
    width, height = cfg.codec.input_size
    train = batch_of(cfg, animals, cfg.train_pipeline)
    assert train['inputs'][0].shape == (3, height, width)
    predictions = steps(cfg, train, batch_of(cfg, animals, cfg.test_pipeline))
    for sample in predictions:
        assert sample.pred_instances.keypoints.shape == (1, 17, 2)


@pytest.mark.parametrize('name', PUBLISHED)
def test_recipes_match_the_paper(name):
    cfg = read(name)
    assert (cfg.train_cfg.max_epochs, cfg.train_cfg.type) == (210, 'EpochBasedTrainLoop')
    warm_up, drops = cfg.param_scheduler
    assert (warm_up.by_epoch, warm_up.begin, warm_up.end) == (False, 0, 500)
    assert (drops.milestones, drops.gamma, drops.by_epoch) == ([170, 200], 0.1, True)
    assert cfg.optim_wrapper.optimizer.lr == 5e-4
    assert cfg.auto_scale_lr.base_batch_size == 8 * cfg.train_dataloader.batch_size == 512
    size = (256, 256) if 'ap10k' in name else (192, 256)
    assert cfg.codec.input_size == size and cfg.codec.sigma == 2
    assert cfg.codec.heatmap_size == (size[0] // 4, size[1] // 4)
    flips, half, boxes = cfg.train_pipeline[2:5]
    assert (flips.type, flips.direction) == ('RandomFlip', 'horizontal')
    assert (half.type, boxes.type) == ('RandomHalfBody', 'RandomBBoxTransform')
    assert cfg.model.test_cfg.flip_test and cfg.model.head.out_channels == 17
    assert cfg.model.backbone.init_cfg.type == 'Pretrained'
    for split, file in dict(
        train='train', val='val', test='test' if 'ap10k' in name else 'val'
    ).items():
        assert file in cfg[f'{split}_dataloader'].dataset.ann_file
    assert cfg.test_evaluator.ann_file.endswith(cfg.test_dataloader.dataset.ann_file)
    assert cfg.test_dataloader.dataset.data_root in cfg.test_evaluator.ann_file


@pytest.mark.parametrize('model', ['s', '48m', 'b'])
@pytest.mark.parametrize('data', ['ap10k', 'coco'])
def test_simple_baselines_have_their_optimizer_and_drop_path_rate(model, data):
    cfg = read(f'pose/simple_baseline_vitaev2_{model}_210e_{data}.py')
    assert cfg.optim_wrapper.optimizer.type == 'Adam'
    assert cfg.model.backbone.drop_path_rate == 0.6


def test_learning_rates_of_plain_vitae_decay_towards_the_first_layer():
    cfg = read('pose/simple_baseline_vitae_b_210e_coco.py')
    model = build(cfg)
    groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
    group_of = {id(p): group for group in groups for p in group['params']}
    names = dict(model.named_parameters())
    rates = [
        group_of[id(names[f'backbone.stages.0.cells.{i}.norm1.weight'])]['lr'] for i in range(12)
    ]
    assert rates == pytest.approx([5e-4 * 0.75 ** (12 - i) for i in range(12)])
    assert group_of[id(names['head.final_layer.weight'])]['lr'] == 5e-4
    free = {
        name
        for name, p in names.items()
        if id(p) in group_of and group_of[id(p)]['weight_decay'] == 0.0
    }
    assert {
        'backbone.stages.0.embedding.position',
        'backbone.stages.0.embedding.cls_token',
        'backbone.stages.0.cells.3.norm1.weight',
        'head.final_layer.bias',
    } <= free
    assert group_of[id(names['head.final_layer.weight'])]['weight_decay'] == 0.1


def test_swapping_the_backbone_changes_one_line():
    for data in ('ap10k', 'coco'):
        check_one_line(f'pose/simple_baseline_{{}}_210e_{data}.py', 'backbones/')


def test_shapes_are_neither_flipped_nor_rotated():
    """Because their corners are numbered clockwise from the topmost."""
    cfg = read('pose/simple_baseline_vitaev2_demo_3e_shapes.py')
    steps = {step.type: step for step in cfg.train_dataloader.dataset.pipeline}
    assert 'RandomFlip' not in steps and steps['RandomBBoxTransform'].rotate_prob == 0
    assert not cfg.model.test_cfg.flip_test


def test_config_of_the_guide_builds(tmp_path):
    cfg = from_guide('simple_baseline', tmp_path)
    assert build(cfg).head.out_channels == len(cfg.metainfo.keypoint_info)
    assert torch.equal(
        torch.tensor(sorted(cfg.metainfo.keypoint_info)),
        torch.arange(len(cfg.metainfo.keypoint_info)),
    )
