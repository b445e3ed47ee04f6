"""The summary of a training."""

import pytest
from mmengine.config import Config
from rich.console import Console

from vitae_mm.engine.complexity import count_macs
from vitae_mm.engine.models import build_model
from vitae_mm.engine.rehearsal.findings import check_training
from vitae_mm.engine.rehearsal.report import Report
from vitae_mm.engine.rehearsal.run import rehearse
from vitae_mm.engine.rehearsal.summary import summarize_training

from ...helpers import training
from ...helpers.archs import BLOCKS


def summary(cfg, processes=1):
    """The rows of the table by name; the last one if a name is repeated."""
    findings = check_training(cfg)
    report = rehearse(cfg, findings, processes, data_only=True)
    table = summarize_training(cfg, findings, report, processes)
    names, texts = (list(column.cells) for column in table.columns)
    return dict(zip(names, texts, strict=True))


@pytest.fixture
def cfg(data, tmp_path):
    cfg = Config.fromfile(
        training.write_classifier(tmp_path / 'c.py', data, batch_size=3, epochs=4)
    )
    cfg.work_dir = str(tmp_path / 'w')
    return cfg


@pytest.mark.parametrize(
    'write, samples',
    [
        (training.write_classifier, '16 samples of CustomDataset'),
        (training.write_detector, '5 samples of CocoDataset'),
        (training.write_segmentor, '5 samples of BaseSegDataset'),
        (training.write_pose_estimator, ' samples of BaseCocoStyleDataset'),
    ],
    ids=['mmpretrain', 'mmdet', 'mmseg', 'mmpose'],
)
def test_every_codebase_has_a_summary(data, tmp_path, write, samples):
    cfg = Config.fromfile(write(tmp_path / 'c.py', data))
    cfg.work_dir = str(tmp_path / 'w')
    cfg.val_dataloader = cfg.train_dataloader
    rows = summary(cfg)
    assert rows['model'] == f'{cfg.model.type}, backbone ViTAEv2'
    assert rows['train data'] == rows['val data'] and samples in rows['train data']
    assert rows['starts from'] == 'random weights'
    assert rows['work dir'].startswith(f'{tmp_path / "w"}: ')
    assert not (tmp_path / 'w').exists()


def test_parameters_and_macs_are_counted(cfg):
    cfg.model.backbone = dict(type='vitae_mm.CeiT', arch='tiny', frozen_stages=1)
    cfg.model.head.in_channels = 192
    rows = summary(cfg)
    assert rows['model'] == "ImageClassifier, backbone CeiT 'tiny'"
    model = build_model(cfg)
    count = sum(p.numel() for p in model.parameters()) / 1e6
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad) / 1e6
    assert rows['parameters'] == f'{count:.2f}M, {trained:.2f}M trainable'
    assert trained < count
    macs = count_macs(model, (32, 32)) / 1e9
    assert rows['GMACs'] == f'{macs:.2f} for a test image of 32x32'
    cfg.test_dataloader.dataset.pipeline.pop(1)
    assert 'not counted' in summary(cfg)['GMACs']


def test_batch_and_steps_are_multiplied(cfg):
    # 16 images
    rows = summary(cfg, 2)
    assert rows['batch'] == 'processes 2 x samples 3 x accumulation 1 = 6'
    assert rows['schedule'] == 'epochs 4 x steps 3 = 12 steps'
    cfg.optim_wrapper.accumulative_counts = 5
    rows = summary(cfg)
    assert rows['batch'] == 'processes 1 x samples 3 x accumulation 5 = 15'
    assert rows['schedule'] == 'epochs 4 x steps 6 = 24 steps, 5 updates'
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=60)
    assert summary(cfg)['schedule'] == '60 steps, 10.0 epochs, 12 updates'


def test_learning_rate_and_decay_are_described(cfg):
    cfg.optim_wrapper = dict(
        type='OptimWrapper',
        optimizer=dict(type='AdamW', lr=0.01, weight_decay=0.05),
        paramwise_cfg=dict(norm_decay_mult=0.0),
    )
    rows = summary(cfg, 2)
    assert rows['optimizer'] == 'AdamW'
    assert rows['learning rate'] == '0.01'
    norms = sum(
        name.rpartition('.')[0].rpartition('.')[2].startswith('norm')
        for name, _ in build_model(cfg).named_parameters()
    )
    tensors = len(list(build_model(cfg).parameters()))
    assert rows['weight decay'] == f'0.05, 0 on {norms} of {tensors} tensors'
    cfg.auto_scale_lr = dict(enable=True, base_batch_size=3)
    assert summary(cfg, 2)['learning rate'] == '0.02, scaled by 2'


def test_layer_wise_learning_rates_are_described(cfg):
    cfg.model.backbone = dict(type='vitae_mm.CeiT', arch=BLOCKS)
    cfg.optim_wrapper.update(
        constructor='vitae_mm.LayerDecayOptimWrapperConstructor',
        paramwise_cfg=dict(layer_decay_rate=0.5),
    )
    cfg.param_scheduler = None
    # the embedding and three blocks are layers before the heads
    assert summary(cfg)['learning rate'] == '0.000625 to 0.01, times 0.5 per layer'


@pytest.mark.parametrize(
    'wrapper, words',
    [
        (dict(type='OptimWrapper'), 'float32'),
        (dict(type='AmpOptimWrapper'), 'mixed with float16'),
        (dict(type='AmpOptimWrapper', dtype='bfloat16'), 'mixed with bfloat16'),
        (dict(type='vitae_mm.MixedPrecisionOptimWrapper'), 'mixed with bfloat16'),
    ],
)
def test_the_precision_is_described(cfg, wrapper, words):
    cfg.optim_wrapper = dict(wrapper, optimizer=cfg.optim_wrapper.optimizer)
    assert summary(cfg)['precision'] == words


def test_sizes_are_unknown_until_the_download(cfg, tmp_path):
    cfg.train_dataloader.dataset = dict(
        type='mmpretrain.CIFAR10', data_root=str(tmp_path / 'none'), split='train'
    )
    cfg.model.head.num_classes = 10
    rows = summary(cfg)
    assert rows['schedule'] == 'epochs 4; steps unknown until the data are downloaded'


def test_the_table_can_be_printed(cfg, capsys):
    report = Report(steps=6)
    Console(width=200).print(summarize_training(cfg, check_training(cfg), report, processes=1))
    printed = capsys.readouterr().out
    assert 'no files written' in printed and 'epochs 4 x steps 6 = 24 steps' in printed
