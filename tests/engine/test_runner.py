import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from vitae_mm.errors import InputError

from ..helpers import training
from ..helpers.stacks import needs_torch


def test_a_config_without_strategy_gets_the_runner_of_mmengine(config, tmp_path):
    runner = training.build_runner(config, tmp_path / 'w', strategy=None)
    assert isinstance(runner, Runner)


def test_sharding_in_a_single_process_is_rejected(config, tmp_path):
    with pytest.raises(InputError, match=r'dist_train\.sh CONFIG PROCESSES'):
        training.build_runner(config, tmp_path / 'w')
    assert not (tmp_path / 'w').exists()


@needs_torch('2.5', 'FSDP on CPUs')
def test_sharding_averaged_weights_is_rejected(config, tmp_path, one_process):
    with pytest.raises(InputError, match='EMAHook with strategy'):
        training.build_runner(
            config, tmp_path / 'w', launcher='pytorch', custom_hooks=[dict(type='EMAHook')]
        )


@needs_torch('2.5', 'FSDP on CPUs')
def test_saving_the_best_checkpoint_does_not_advance_the_epoch(config, tmp_path, one_process):
    cfg = Config.fromfile(config)
    runner = training.build_runner(
        config,
        tmp_path / 'w',
        launcher='pytorch',
        val_dataloader=cfg.test_dataloader,
        val_cfg=dict(),
        val_evaluator=cfg.test_evaluator,
        **{
            'default_hooks.checkpoint.save_best': 'auto',
            'default_hooks.checkpoint.rule': 'greater',
        },
    )
    runner.train()
    for name in ('epoch_1.pth', 'best_accuracy_top1_epoch_1.pth'):
        meta = torch.load(tmp_path / 'w' / name, weights_only=False)['meta']
        assert (meta['epoch'], meta['iter']) == (1, 4)
