"""Configs of tools/reproduce.py at 32x32: narrow networks, and those for one GPU."""

import pytest
import torch

from ..helpers.config_files import ROOT, datasets, distinct, of_task, read, steps

CONFIGS = [name for name in of_task('cls') if name.startswith(('cls/mini/', 'cls/gpu/'))]
PRETRAINING = [name for name in of_task('ssl') if name.startswith('ssl/mini/')]


@pytest.mark.parametrize(
    'name',
    [
        name if 'mini/' in name else pytest.param(name, marks=pytest.mark.slow)
        for name in distinct(CONFIGS)
    ],
)
def test_network_steps(name):
    from mmpretrain.structures import DataSample

    cfg = read(name)
    samples = [DataSample().set_gt_label(label) for label in (0, 9)]
    inputs = [torch.randint(0, 255, (3, 32, 32), dtype=torch.uint8) for _ in samples]
    for sample in steps(cfg, dict(inputs=inputs, data_samples=samples)):
        assert sample.pred_score.shape == (10,)


@pytest.mark.parametrize('name', PRETRAINING)
def test_pretraining_steps(name):
    cfg = read(name)
    images = torch.randint(0, 255, (2, 3, 32, 32), dtype=torch.uint8)
    features = steps(
        cfg,
        dict(inputs=images, data_samples=[None, None]),
        dict(inputs=images.float()),
        predict=lambda model, batch: model.extract_feat(batch['inputs']),
    )
    assert features[0].shape[:2] == (2, 96)


@pytest.mark.parametrize('name', CONFIGS)
def test_data_and_schedule(name):
    cfg = read(name)
    assert len((ROOT / name).read_text().splitlines()) <= 15
    assert cfg.auto_scale_lr.base_batch_size == cfg.train_dataloader.batch_size
    assert cfg.model.head.num_classes == 10 and cfg.model.train_cfg is None
    assert cfg.train_cfg.max_epochs % cfg.train_cfg.val_interval == 0
    # tested on every test image
    assert [dataset.type for dataset in datasets(cfg.test_dataloader.dataset)] == ['CustomDataset']
    assert cfg.test_dataloader.dataset.data_prefix == 'test'
