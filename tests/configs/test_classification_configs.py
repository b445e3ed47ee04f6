"""Classification: networks, recipes, datasets, and one step of each network."""

import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import HOOKS, MODELS, DefaultScope
from torch import nn

from vitae_mm.engine.config import leaf_datasets

from ..helpers.config_files import (
    BACKBONE_KEYS,
    ROOT,
    build,
    build_dataset,
    check_schedule,
    code,
    from_guide,
    learning_rates,
    of_task,
    read,
    steps,
)

SCOPE = 'mmpretrain'
# configs that follow masked pretraining are in test_pretraining_configs.py
CONFIGS = [name for name in of_task('cls') if '_mae_' not in name]
SMALL = [name for name in CONFIGS if 'schedules/cls_small.py' in (ROOT / name).read_text()]
QUICK = ('vitae_t', 'vitaev2_s', 'ceit_t', 'deit_t', 't2t_7', 'swin_t', 'r50')
TRANSFER = dict(
    cifar10=10, cifar100=100, flowers102=102, cars=196, pets=37, inat2018=8142, inat2019=1010
)
GPUS = 8

# fmt: off
RECIPES = {
    # weight decay, drop path, batch, warm-up epochs
    'vitae_t':     (.03,  .1,  512,  10),
    'vitae_6m':    (.03,  .1,  512,  10),
    'vitae_13m':   (.05,  .1,  512,  10),
    'vitae_s':     (.05,  .1,  512,  10),
    'vitae_b':     (.065, .4,  512,  10),
    'vitaev2_s':   (.05,  .1,  1024, 10),
    'vitaev2_48m': (.055, .25, 1024, 10),
    'vitaev2_b':   (.065, .4,  1024, 10),
    'ceit_t':      (.05,  .1,  1024, 5),
    'ceit_s':      (.05,  .1,  1024, 5),
    'ceit_b':      (.05,  .1,  1024, 5),
    'deit_t':      (.03,  .1,  512,  10),
    'deit_s':      (.05,  .1,  512,  10),
    't2t_7':       (.03,  .1,  512,  10),
    't2t_14':      (.05,  .1,  512,  10),
    'swin_t':      (.05,  .1,  1024, 10),
    'r50':         (.05,  .1,  1024, 10),
}
MILLIONS = {
    'vitae_t': 4.887, 'vitae_6m': 6.614, 'vitae_13m': 13.197, 'vitae_s': 24.032,
    'vitae_b': 89.342, 'vitae_l': 311.724, 'vitae_h': 644.528,
    'vitaev2_s': 19.356, 'vitaev2_48m': 48.675, 'vitaev2_b': 89.693,
    'ceit_t': 6.357, 'ceit_s': 24.205, 'ceit_b': 94.405,
}
OTHERS_MILLIONS = {'deit_t': 5.7, 'deit_s': 22.1, 't2t_7': 4.3, 't2t_14': 21.5, 'swin_t': 28.3,
                   'r50': 25.6}
# fmt: on


def scratch(model):
    return f'cls/{model}_300e_in1k.py'


# the other configs have the same networks
STEPPED = [scratch(model) for model in RECIPES] + SMALL


def network_of(cfg):
    """What distinguishes a network, apart from weights, image size and classes."""
    backbone = {
        key: value
        for key, value in cfg.model.backbone.items()
        if key not in ('init_cfg', 'img_size')
    }
    return json.dumps([backbone, cfg.model.get('neck'), cfg.model.head.in_channels], sort_keys=True)


def test_the_steps_cover_every_network():
    stepped = [network_of(read(name)) for name in STEPPED]
    assert len(set(stepped)) == len(stepped)
    assert {network_of(read(name)) for name in CONFIGS} == set(stepped)


def batch(classes, size=64):
    from mmpretrain.structures import DataSample

    samples = [DataSample().set_gt_label(label) for label in (0, classes - 1)]
    return dict(
        inputs=[torch.randint(0, 255, (3, size, size), dtype=torch.uint8) for _ in samples],
        data_samples=samples,
    )


def step(cfg, size=64):
    return steps(cfg, batch(cfg.model.head.num_classes, size))


@pytest.mark.parametrize(
    'name',
    [
        name if name in map(scratch, QUICK) else pytest.param(name, marks=pytest.mark.slow)
        for name in STEPPED
    ],
)
def test_networks_take_a_step(name):
    cfg = read(name)
    # mmpretrain's Swin needs feature maps as large as its windows
    predictions = step(cfg, size=224 if 'swin' in name else 32 if name in SMALL else 64)
    for sample in predictions:
        assert sample.pred_score.shape == (cfg.model.head.num_classes,)
        assert sample.pred_score.sum().item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize('name', [name for name in CONFIGS if name not in SMALL])
def test_config_fits_its_data(name):
    cfg = read(name)
    assert cfg.model.head.num_classes == cfg.data_preprocessor.num_classes
    assert cfg.auto_scale_lr.base_batch_size == GPUS * cfg.train_dataloader.batch_size
    assert cfg.model.train_cfg.augments == [
        dict(type='Mixup', alpha=0.8),
        dict(type='CutMix', alpha=1.0),
    ]
    loss = cfg.model.head.loss
    assert (loss.type, loss.label_smooth_val, loss.mode) == ('LabelSmoothLoss', 0.1, 'original')
    for split in ('val', 'test'):
        loader = cfg[f'{split}_dataloader']
        assert loader.persistent_workers is False
        assert loader.worker_init_fn.type == 'vitae_mm.seed_worker'


@pytest.mark.parametrize('model, millions', MILLIONS.items())
def test_our_networks_have_the_published_numbers_of_parameters(model, millions):
    with torch.device('meta'):
        network = build(base_config(model))
    # the published counts include the random features of Performers
    counted = [
        *network.parameters(),
        *(buffer for name, buffer in network.named_buffers() if name.endswith('.features')),
    ]
    assert round(sum(p.numel() for p in counted) / 1e6, 3) == millions


@pytest.mark.parametrize('model, millions', OTHERS_MILLIONS.items())
def test_other_networks_have_the_published_numbers_of_parameters(model, millions):
    count = sum(p.numel() for p in build(base_config(model)).parameters())
    assert round(count / 1e6, 1) == millions


def base_config(model):
    cfg = Config.fromfile(ROOT / '_base_/models/classifier.py')
    backbone = Config.fromfile(ROOT / f'_base_/backbones/{model}.py')
    cfg.merge_from_dict(dict(model=backbone.classifier, default_scope=SCOPE))
    return cfg


@pytest.mark.parametrize('model', RECIPES)
def test_recipes_from_scratch_match_the_papers(model, tmp_path):
    decay, drop_path, size, warm_up = RECIPES[model]
    cfg = read(scratch(model))
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.betas, optimizer.weight_decay) == (
        'AdamW',
        (0.9, 0.999),
        decay,
    )
    assert optimizer.lr == pytest.approx(5e-4 * size / 512)
    assert GPUS * cfg.train_dataloader.batch_size == size
    assert cfg.model.backbone.drop_path_rate == drop_path
    assert cfg.model.backbone.get('drop_rate', 0) == (0.1 if decay == 0.065 else 0)
    clip = dict(max_norm=5.0) if decay == 0.065 else None
    assert cfg.optim_wrapper.get('clip_grad') == clip
    sampler = cfg.train_dataloader.sampler
    assert sampler.shuffle
    if model.startswith('ceit'):
        assert (sampler.type, sampler.num_repeats) == ('RepeatAugSampler', 3)
    else:
        assert sampler.type == 'DefaultSampler'
    check_schedule(learning_rates(cfg, tmp_path), 300, optimizer.lr, warm_up)


@pytest.mark.parametrize('model', ['vitae_t', 'vitaev2_s', 'ceit_t'])
def test_weights_and_statistics_are_averaged(model):
    cfg = read(scratch(model))
    with DefaultScope.overwrite_default_scope(SCOPE):
        (hook,) = [HOOKS.build(hook) for hook in cfg.custom_hooks]
        norm = nn.BatchNorm1d(1)
        average = MODELS.build(hook.ema_cfg, default_args=dict(model=norm))
    for value in (0.0, 1.0):
        nn.init.constant_(norm.weight, value)
        norm.running_mean.fill_(value)
        average.update_parameters(norm)
    assert average.module.weight.item() == pytest.approx(1 - 0.99996)
    assert average.module.running_mean.item() == pytest.approx(1 - 0.99996)


@pytest.mark.parametrize('model', [*QUICK, pytest.param('vitae_b', marks=pytest.mark.slow)])
def test_only_weights_are_decayed(model):
    cfg = read(scratch(model))
    network = build(cfg)
    wrapper = build_optim_wrapper(network, cfg.optim_wrapper)
    groups = {
        id(p): group['weight_decay']
        for group in wrapper.optimizer.param_groups
        for p in group['params']
    }
    embeddings = ('position', 'pos_embed', 'cls_token', 'relative_position_bias_table')
    trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
    assert len(trained) == len(groups)
    for name, p in trained.items():
        exempt = p.ndim == 1 or name.endswith(embeddings)
        assert groups[id(p)] == (0 if exempt else RECIPES[model][0]), name


def test_the_recipe_augments_images():
    cfg = read(scratch('vitae_t'))
    train = cfg.train_dataloader.dataset.pipeline
    test = cfg.test_dataloader.dataset.pipeline
    assert [transform.type for transform in train] == [
        'LoadImageFromFile',
        'RandomResizedCrop',
        'RandomFlip',
        'RandAugment',
        'RandomErasing',
        'PackInputs',
    ]
    crop, flip, augment, erasing = train[1:5]
    assert (crop.scale, crop.backend, crop.interpolation) == (224, 'pillow', 'bicubic')
    assert flip.prob == 0.5
    assert (
        augment.policies,
        augment.num_policies,
        augment.total_level,
        augment.magnitude_level,
        augment.magnitude_std,
    ) == ('timm_increasing', 2, 10, 9, 0.5)
    assert (erasing.erase_prob, erasing.mode) == (0.25, 'rand') and erasing.fill_std
    assert [transform.type for transform in test] == [
        'LoadImageFromFile',
        'ResizeEdge',
        'CenterCrop',
        'PackInputs',
    ]
    for name, size in (('vitae_t_300e_in1k', 224), ('vitae_t_384_30e_in1k', 384)):
        cfg = read(f'cls/{name}.py')
        assert cfg.train_dataloader.dataset.pipeline[1].scale == size
        for loader in (cfg.val_dataloader, cfg.test_dataloader):
            resize, crop = loader.dataset.pipeline[1:3]
            assert (resize.scale, resize.edge, crop.crop_size) == (int(size / 0.9), 'short', size)
            assert (resize.backend, resize.interpolation) == ('pillow', 'bicubic')


@pytest.mark.parametrize(
    'name',
    [
        scratch('vitae_t'),
        'cls/vitae_t_384_30e_in1k.py',
        *(f'cls/vitae_t_100e_{data}.py' for data in ('cifar10', 'pets', 'inat2018')),
        *(f'cls/ceit_t_384_100e_{data}.py' for data in ('cifar100', 'pets', 'inat2019')),
    ],
)
def test_pipelines_return_images_of_one_size(name):
    from mmengine.dataset import Compose

    cfg = read(name)
    np.random.seed(0)
    raw = np.random.randint(0, 256, (32, 32, 3) if 'cifar' in name else (300, 260, 3), np.uint8)
    size = 384 if '384' in name else 224
    with DefaultScope.overwrite_default_scope(SCOPE):
        for split in ('train', 'val', 'test'):
            pipeline = cfg[f'{split}_dataloader'].dataset.pipeline
            if pipeline[0].type == 'LoadImageFromFile':
                pipeline = pipeline[1:]
            packed = Compose(pipeline)(dict(img=raw.copy(), gt_label=3, sample_idx=0))
            assert packed['inputs'].shape == (3, size, size)
            assert packed['inputs'].dtype == torch.uint8


@pytest.mark.parametrize('model', ['vitae_t', 'ceit_t_384'])
def test_cifar_is_read_as_rgb(model):
    bgr, rgb = (
        read(f'cls/{name}.py').train_dataloader.dataset.pipeline[-2]
        for name in ('vitae_t_300e_in1k', f'{model}_100e_cifar10')
    )
    assert bgr.fill_color == rgb.fill_color[::-1] and bgr.fill_std == rgb.fill_std[::-1]
    for data in ('cifar10', 'cifar100'):
        assert read(f'cls/{model}_100e_{data}.py').data_preprocessor.to_rgb is False
    assert read(f'cls/{model}_100e_pets.py').data_preprocessor.to_rgb is True


@pytest.mark.parametrize(
    'model', ['vitae_t', 'vitae_s', 'vitaev2_48m', 'vitaev2_b', 'ceit_t', 'ceit_s']
)
def test_recipes_at_384_match_the_papers(model, tmp_path):
    cfg = read(f'cls/{model}_384_30e_in1k.py')
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.weight_decay) == ('AdamW', 1e-8)
    assert (learning_rates(cfg, tmp_path) == 5e-6).all() and cfg.train_cfg.max_epochs == 30
    assert cfg.load_from == f'checkpoints/{model}_in1k.pth'
    assert 'init_cfg' not in cfg.model.backbone
    assert cfg.model.backbone.get('img_size', 224) == (384 if model.startswith('ceit') else 224)


@pytest.mark.parametrize('model, millions', [('ceit_t', 6.430), ('ceit_s', 24.351)])
def test_weights_at_224_load_at_384(model, millions):
    from vitae_mm.checkpoints import check_match

    small, large = build(read(scratch(model))), build(read(f'cls/{model}_384_30e_in1k.py'))
    assert round(sum(p.numel() for p in large.parameters()) / 1e6, 3) == millions
    check_match(large, small.state_dict(), 'checkpoint')
    large.load_state_dict(small.state_dict())
    for (name, a), b in zip(small.named_parameters(), large.parameters(), strict=True):
        assert a.shape != b.shape if name.endswith('embedding.position') else torch.equal(a, b)


@pytest.mark.parametrize('data', TRANSFER)
@pytest.mark.parametrize(
    'model', ['vitae_t', 'vitae_s', 'ceit_t', 'ceit_s', 'ceit_t_384', 'ceit_s_384']
)
def test_recipes_of_transfer_match_the_papers(model, data):
    cfg = read(f'cls/{model}_100e_{data}.py')
    assert cfg.model.head.num_classes == TRANSFER[data]
    assert cfg.model.backbone.init_cfg == dict(
        type='Pretrained', checkpoint=f'checkpoints/{model.removesuffix("_384")}_in1k.pth'
    )
    assert cfg.model.backbone.get('img_size', 224) == (384 if '384' in model else 224)
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ('AdamW', 5e-4, 1e-8)
    assert GPUS * cfg.train_dataloader.batch_size == 512
    # the average would span more steps than the training has
    assert not cfg.get('custom_hooks')


def test_transfer_has_its_schedule(tmp_path):
    check_schedule(learning_rates(read('cls/vitae_t_100e_pets.py'), tmp_path), 100, 5e-4, 2)


@pytest.mark.parametrize('data', ['cifar10', 'cifar100'])
def test_cifar_from_scratch_has_the_recipe_of_imagenet(data, tmp_path):
    cfg, imagenet = read(f'cls/vitae_t_1000e_{data}.py'), read(scratch('vitae_t'))
    assert cfg.model.head.num_classes == TRANSFER[data]
    assert cfg.model.backbone == imagenet.model.backbone
    assert cfg.optim_wrapper == imagenet.optim_wrapper
    assert cfg.custom_hooks == imagenet.custom_hooks
    check_schedule(learning_rates(cfg, tmp_path, epoch_length=2), 1000, 5e-4, 10)


@pytest.mark.slow
@pytest.mark.parametrize(
    'model, data, classes', [('vitae_t', 'cifar10', 10), ('ceit_t', 'pets', 37)]
)
def test_networks_take_a_step_of_transfer(model, data, classes):
    predictions = step(read(f'cls/{model}_100e_{data}.py'))
    assert predictions[0].pred_score.shape == (classes,)


@pytest.mark.parametrize(
    'data, train, test',
    [
        ('cifar10', 'train', 'test'),
        ('cifar100', 'train', 'test'),
        ('flowers102', 'trainval', 'test'),
        ('cars', 'train', 'test'),
        ('pets', 'trainval', 'test'),
        ('inat2018', None, None),
        ('inat2019', None, None),
    ],
)
def test_transfer_datasets_build(data, train, test, tmp_path):
    cfg = read(f'cls/vitae_t_100e_{data}.py')
    (tmp_path / 'cars_annos.mat').touch()
    for split, part in (('train', train), ('val', test), ('test', test)):
        node = cfg[f'{split}_dataloader'].dataset
        assert node.get('split') == part
        assert node.data_root == f'data/{data}'
        if part is None:
            assert node.ann_file == f'{"train" if split == "train" else "val"}{data[4:]}.json'
        node.update(data_root=str(tmp_path), lazy_init=True)
        dataset = build_dataset(node, SCOPE)
        classes = dataset.metainfo.get('classes')
        assert classes is None or len(classes) == cfg.model.head.num_classes


@pytest.mark.parametrize('percent', [1, 10, 20, 60])
@pytest.mark.parametrize('model', ['vitae_t', 't2t_7', 'vitaev2_s'])
def test_a_subset_is_trained_with_the_same_recipe(model, percent):
    whole, part = read(scratch(model)), read(f'cls/{model}_300e_in1k_subset.py')
    assert part.train_dataloader.dataset.fraction == 0.1
    part.merge_from_dict({'train_dataloader.dataset.fraction': percent / 100})
    subset = part.train_dataloader.pop('dataset')
    inner = whole.train_dataloader.pop('dataset')
    assert subset == dict(
        type='vitae_mm.StratifiedSubset', fraction=percent / 100, seed=0, dataset=inner
    )
    # all else equals the recipe, including the number of steps
    assert part.to_dict() == whole.to_dict()


def test_epochs_of_a_subset_have_the_same_length(tmp_path):
    for label in 'ab':
        (tmp_path / 'train' / label).mkdir(parents=True)
        for i in range(20):
            (tmp_path / 'train' / label / f'{i}.jpg').touch()
    subset = read('cls/vitae_t_300e_in1k_subset.py').train_dataloader.dataset
    (inner,) = leaf_datasets(subset)
    inner.update(data_root=str(tmp_path), metainfo=dict(classes=('a', 'b')))
    built = build_dataset(subset, SCOPE)
    assert len(built) == 40
    images = [built.get_data_info(i)['img_path'] for i in range(40)]
    assert len(set(images)) == 4 and {images.count(image) for image in images} == {10}


def test_reassessed_labels_are_evaluated_with_the_original():
    cfg = read('cls/vitaev2_s_300e_in1k_real.py')
    for evaluators in (cfg.val_evaluator, cfg.test_evaluator):
        assert evaluators == [
            dict(type='Accuracy', topk=(1, 5)),
            dict(type='vitae_mm.ReassessedLabels', ann_file='data/imagenet/real.json'),
        ]
    assert cfg.model == read(scratch('vitaev2_s')).model


@pytest.mark.parametrize(
    'names',
    [
        [scratch(model) for model in ('vitae_t', 'vitae_6m', 'deit_t', 't2t_7')],
        [scratch(model) for model in ('vitae_s', 'vitae_13m', 'deit_s', 't2t_14')],
        [scratch(model) for model in ('vitaev2_s', 'swin_t', 'r50')],
        [scratch(model) for model in ('ceit_t', 'ceit_s', 'ceit_b')],
        [f'cls/{model}_100e_pets.py' for model in ('vitae_t', 'vitae_s', 'ceit_t', 'ceit_s')],
        [f'cls/{model}_384_100e_pets.py' for model in ('ceit_t', 'ceit_s')],
        [f'cls/{model}_384_30e_in1k.py' for model in ('vitae_t', 'vitae_s', 'vitaev2_48m')],
        [f'cls/{model}_300e_in1k_subset.py' for model in ('vitae_t', 't2t_7')],
    ],
)
def test_swapping_the_backbone_changes_one_line(names):
    ours, *others = names
    for other in others:
        differ = [a for a, b in zip(code(ours), code(other), strict=True) if a != b]
        assert len(differ) == 1 and '_base_' in differ[0]
        a, b = read(ours), read(other)
        same = {*a, *b} - {'model', 'load_from', *BACKBONE_KEYS}
        assert all(a.get(key) == b.get(key) for key in same)


def test_a_classifier_trains_on_small_custom_images(tmp_path):
    path = tmp_path / 'c.py'
    path.write_text(f"""
_base_ = [
    '{ROOT}/_base_/backbones/vitae_t.py',
    '{ROOT}/_base_/models/classifier.py',
    '{ROOT}/_base_/datasets/classes_small.py',
    '{ROOT}/_base_/schedules/cls_small.py',
    '{ROOT}/_base_/runtime/cls.py',
]
data_preprocessor = dict(num_classes=2)
model = _base_.classifier
model.head.num_classes = 2
model.train_cfg = None
train_cfg = dict(max_epochs=20)
train_dataloader = dict(dataset=dict(data_root='{tmp_path}', data_prefix='train'))
val_dataloader = dict(dataset=dict(data_root='{tmp_path}', data_prefix='train'))
test_dataloader = val_dataloader
""")
    from mmcv import imwrite

    for label in 'ab':
        imwrite(np.zeros((40, 30, 3), np.uint8), str(tmp_path / 'train' / label / '0.png'))
    cfg = Config.fromfile(path)
    assert cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 64
    for split in ('train', 'val', 'test'):
        dataset = build_dataset(cfg[f'{split}_dataloader'].dataset, SCOPE)
        assert dataset.metainfo['classes'] == ('a', 'b')
        assert dataset[0]['inputs'].shape == (3, 32, 32)
    assert step(cfg, size=32)[0].pred_score.shape == (2,)
    rates = learning_rates(cfg, tmp_path, epoch_length=10)
    assert len(rates) == 20 and rates[0, 0] == pytest.approx(5e-6)
    assert rates.max() > 4e-4 and rates[-1, -1] == pytest.approx(1e-5, rel=0.1)


def test_config_of_the_guide_builds(tmp_path):
    cfg = from_guide('classes_small', tmp_path)
    model = build(cfg)
    assert model.head.num_classes == 10 and cfg.model.train_cfg is None
    assert cfg.train_cfg.max_epochs == 10
    assert (cfg.train_dataloader.dataset.data_prefix, cfg.test_dataloader.dataset.data_prefix) == (
        'train',
        'test',
    )


def unscoped(node):
    """Removes the scope that mmengine adds to bases of other packages."""
    if isinstance(node, dict):
        return {key: unscoped(value) for key, value in node.items() if key != '_scope_'}
    return [unscoped(value) for value in node] if isinstance(node, list) else node


def test_config_of_the_guide_for_photographs_builds(tmp_path):
    cfg = from_guide('classes_224', tmp_path)
    assert build(cfg).head.num_classes == cfg.data_preprocessor.num_classes == 10
    assert cfg.model.backbone.init_cfg.checkpoint == 'checkpoints/vitaev2_s_in1k.pth'
    imagenet = read(scratch('vitaev2_s'))
    for split, folder in dict(train='train', val='test', test='test').items():
        loader = f'{split}_dataloader'
        assert unscoped(cfg[loader].dataset) == dict(
            type='CustomDataset',
            data_root='data/photographs/',
            data_prefix=folder,
            pipeline=unscoped(imagenet[loader].dataset.pipeline),
        )
    assert cfg.test_evaluator.topk == 1
