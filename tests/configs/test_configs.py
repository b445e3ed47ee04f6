"""What holds for the configs of every task."""

import pytest
from mmengine.registry import DATASETS, METRICS, DefaultScope

from ..helpers.config_files import CONFIGS, ROOT, datasets, read

SPLITS = ('train', 'val', 'test')


@pytest.mark.parametrize('name', CONFIGS)
def test_config_is_a_delta_that_opens_with_its_command(name):
    lines = (ROOT / name).read_text().splitlines()
    assert len(lines) <= 25
    comments = lines[: next(i for i, line in enumerate(lines) if not line.startswith('#'))]
    command = [line for line in comments if line.startswith(('# bash tools/', '# python tools/'))]
    assert len(comments) >= 2 and len(command) == 1
    assert f'configs/{name}' in command[0].split()


@pytest.mark.parametrize('name', CONFIGS)
def test_pipelines_build(name):
    from mmengine.dataset import Compose

    cfg = read(name)
    # without labels there is nothing to validate
    splits = [split for split in SPLITS if f'{split}_dataloader' in cfg]
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        for split in splits:
            chain = datasets(cfg[f'{split}_dataloader'].dataset)
            Compose(chain[-1].pipeline)
            with DATASETS.switch_scope_and_registry(cfg.default_scope) as registry:
                assert all(registry.get(dataset.type) for dataset in chain)
        for split in splits[1:]:
            evaluators = cfg[f'{split}_evaluator']
            with METRICS.switch_scope_and_registry(cfg.default_scope) as registry:
                for evaluator in evaluators if isinstance(evaluators, list) else [evaluators]:
                    assert registry.get(evaluator.type)


@pytest.mark.parametrize('name', CONFIGS)
def test_an_epoch_starts_from_its_seed(name):
    cfg = read(name)
    assert cfg.default_hooks.epoch_seed.type == 'vitae_mm.EpochSeedHook'
    assert cfg.default_hooks.checkpoint_match.type == 'vitae_mm.CheckpointMatchHook'
    assert cfg.default_hooks.sync_buffers.type == 'SyncBuffersHook'
    assert cfg.default_hooks.sync_averaged_buffers.type == 'vitae_mm.SyncAveragedBuffersHook'
    assert cfg.randomness.seed == 0
    assert cfg.train_dataloader.persistent_workers is False
    assert cfg.train_dataloader.worker_init_fn.type == 'vitae_mm.seed_worker'
    assert cfg.get('find_unused_parameters', False) is False
