"""Small trainings on CIFAR-10 at 32x32: data, schedule, and one step of each network."""

import pytest
import torch

from vitae_mm.engine.config import walk_datasets

from ..helpers.config_files import of_task, read, steps

PRETRAINING = [name for name in of_task('cifar10') if '/mae_' in name]
CLASSIFIERS = [name for name in of_task('cifar10') if name not in PRETRAINING]


@pytest.mark.parametrize(
    'name',
    [
        pytest.param(name, marks=pytest.mark.slow) if '_100e_' in name else name
        for name in CLASSIFIERS
    ],
)
def test_classifiers_take_a_step(name):
    from mmpretrain.structures import DataSample

    inputs = [torch.randint(0, 255, (3, 32, 32), dtype=torch.uint8)] * 2
    samples = [DataSample().set_gt_label(label) for label in (0, 9)]
    for sample in steps(read(name), dict(inputs=inputs, data_samples=samples)):
        assert sample.pred_score.shape == (10,)
        assert sample.pred_score.sum().item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize('name', PRETRAINING)
def test_autoencoders_take_a_step(name):
    cfg = read(name)
    images = torch.randint(0, 255, (2, 3, 32, 32), dtype=torch.uint8)
    features = steps(
        cfg,
        dict(inputs=images, data_samples=[None, None]),
        dict(inputs=images.float()),
        predict=lambda model, batch: model.extract_feat(batch['inputs']),
    )
    assert features[0].shape[:2] == (2, cfg.model.neck.embed_dim)


@pytest.mark.parametrize('name', CLASSIFIERS)
def test_data_and_schedule_are_consistent(name):
    cfg = read(name)
    assert cfg.auto_scale_lr.base_batch_size == cfg.train_dataloader.batch_size
    assert cfg.model.head.num_classes == 10 and cfg.model.train_cfg is None
    assert cfg.train_cfg.max_epochs % cfg.train_cfg.val_interval == 0
    part, whole, _ = walk_datasets(cfg.train_dataloader.dataset)
    # an epoch has the length of `whole`, whatever part of it is used
    assert part.fraction == 1 and 'keep_length' not in part
    assert whole.fraction == (0.1 if '_10pct' in name else 1) and whole.keep_length is False
    # every test image is tested
    assert [dataset.type for dataset in walk_datasets(cfg.test_dataloader.dataset)] == [
        'CustomDataset'
    ]
    assert cfg.test_dataloader.dataset.data_prefix == 'test'


@pytest.mark.parametrize(
    'pretraining, finetuning',
    [
        ('mae_vitae_32_10e_cifar10', 'vitae_32_10e_cifar10_10pct'),
        ('mae_vitae_32_mini_4e_cifar10', 'vitae_32_mini_6e_cifar10_10pct'),
    ],
)
def test_finetuning_has_the_network_of_its_pretraining(pretraining, finetuning):
    first, second = (
        read(f'cifar10/{name}.py').model.backbone for name in (pretraining, finetuning)
    )
    assert (first.arch, first.img_size) == (second.arch, second.img_size)
    # the defaults: 1x1 kernels in pretraining, and 3x3 kernels afterwards
    assert 'pcm_kernel_size' not in first and 'pcm_kernel_size' not in second
