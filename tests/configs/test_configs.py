"""Checks of the configs of all tasks."""

import re

import pytest
from mmengine.config import Config
from mmengine.registry import DATASETS, METRICS, DefaultScope

from vitae_mm.engine.config import walk_datasets

from ..helpers.config_files import BACKBONE_KEYS, CONFIGS, ROOT, read

SPLITS = ('train', 'val', 'test')


@pytest.mark.parametrize('name', CONFIGS)
def test_config_is_short_and_opens_with_its_command(name):
    lines = (ROOT / name).read_text().splitlines()
    assert len(lines) <= 25
    comments = lines[: next(i for i, line in enumerate(lines) if not line.startswith('#'))]
    command = [line for line in comments if line.startswith(('# bash tools/', '# python tools/'))]
    assert len(comments) >= 2 and len(command) == 1
    assert f'configs/{name}' in command[0].split()


def test_lists_of_bases_are_written_out():
    """No config changes an element of a list that it inherits."""
    for path in ROOT.rglob('*.py'):
        code = re.sub('#.*', '', path.read_text())
        assert not re.search(r'\]\s*\.update\(|\w\[\d*:?\d*\] *=[^=]', code), path
        assert not re.search(r'_base_\.\w*pipeline\[', code), path


@pytest.mark.parametrize('path', (ROOT / '_base_/backbones').glob('*.py'), ids=lambda p: p.stem)
def test_backbone_files_share_their_variables(path):
    cfg = Config.fromfile(path)
    assert set(cfg) <= set(BACKBONE_KEYS) and 'in_channels' in cfg.classifier.head
    # DeiT and T2T-ViT are for classifiers only
    assert {'backbone', 'channels'} <= set(cfg) or path.stem.startswith(('deit_', 't2t_'))
    if isinstance(cfg.get('channels'), list) and 'demo' not in path.stem:
        assert {'pretrained', 'segmentation', 'pose'} <= set(cfg)


@pytest.mark.parametrize('name', CONFIGS)
def test_pipelines_build(name):
    from mmengine.dataset import Compose

    cfg = read(name)
    # pretraining has nothing to validate
    splits = [split for split in SPLITS if f'{split}_dataloader' in cfg]
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        for split in splits:
            chain = list(walk_datasets(cfg[f'{split}_dataloader'].dataset))
            Compose(chain[-1].pipeline)
            with DATASETS.switch_scope_and_registry(cfg.default_scope) as registry:
                assert all(registry.get(dataset.type) for dataset in chain)
        for split in splits[1:]:
            evaluators = cfg[f'{split}_evaluator']
            with METRICS.switch_scope_and_registry(cfg.default_scope) as registry:
                for evaluator in evaluators if isinstance(evaluators, list) else [evaluators]:
                    assert registry.get(evaluator.type)


@pytest.mark.parametrize('name', CONFIGS)
def test_hooks_and_workers_make_runs_resumable(name):
    cfg = read(name)
    assert cfg.default_hooks.epoch_seed.type == 'vitae_mm.EpochSeedHook'
    assert cfg.default_hooks.checkpoint_match.type == 'vitae_mm.CheckpointMatchHook'
    assert cfg.default_hooks.sync_buffers.type == 'SyncBuffersHook'
    assert cfg.default_hooks.sync_averaged_buffers.type == 'vitae_mm.SyncAveragedBuffersHook'
    assert cfg.randomness.seed == 0
    assert cfg.train_dataloader.persistent_workers is False
    assert cfg.train_dataloader.worker_init_fn.type == 'vitae_mm.seed_worker'
    assert cfg.get('find_unused_parameters', False) is False
