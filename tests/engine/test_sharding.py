"""Training with FSDP gives the results of DDP."""

import os
from functools import partial

import pytest
import torch
from mmengine.config import Config
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel

from vitae_mm.checkpoints import use_safe_reader
from vitae_mm.engine.distributed import free_port
from vitae_mm.engine.models import build_model
from vitae_mm.engine.optim import mixed_precision
from vitae_mm.engine.runner import StrategyRunner
from vitae_mm.engine.sharding import FSDPStrategy
from vitae_mm.errors import InputError

from ..helpers import training
from ..helpers.commands import complaint, run
from ..helpers.stacks import needs_torch

SHARDED = dict(type='FSDPStrategy')
ADAMW = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.5),
    constructor='vitae_mm.LayerDecayOptimWrapperConstructor',
    paramwise_cfg=dict(
        layer_decay_rate=0.7,
        norm_decay_mult=0.0,
        flat_decay_mult=0.0,
        custom_keys={'cells.0.attn': dict(lr_mult=2.0)},
    ),
    clip_grad=dict(max_norm=0.05),
)

pytestmark = needs_torch('2.5', 'FSDP on CPUs')


def test_an_older_torch_is_refused(monkeypatch):
    monkeypatch.setattr('vitae_mm.compat.TORCH', (2, 4))
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(InputError, match='FSDP on CPUs requires PyTorch 2.5 or later'):
        FSDPStrategy()


def test_sharded_checkpoints_are_rejected():
    with pytest.raises(InputError, match="state_dict_cfg='local': give 'full'"):
        FSDPStrategy(state_dict_cfg='local')


@pytest.mark.slow
def test_compiling_is_rejected(config, tmp_path):
    done = run('python', 'tools/train.py', config, '--work-dir', tmp_path / 'w', '--compile')
    assert '--compile does not support a strategy' in complaint(done)


def test_each_cell_is_wrapped(config, tmp_path, one_process):
    runner = training.build_runner(config, tmp_path / 'w', launcher='pytorch')
    assert isinstance(runner, StrategyRunner)
    runner.train()
    backbone = runner.model.module.backbone
    cells = [module for stage in backbone.stages for module in (stage.reduction, *stage.cells)]
    assert all(isinstance(cell, FullyShardedDataParallel) for cell in cells)
    assert sum(isinstance(m, FullyShardedDataParallel) for m in runner.model.modules()) == 1 + len(
        cells
    )
    # the optimizer trains the parameters of the model
    trained = {id(p) for group in runner.optim_wrapper.param_groups for p in group['params']}
    assert {id(p) for p in runner.model.parameters()} <= trained


def write_start(config, path):
    """Saves weights that both runs start from, as they draw random numbers in another order."""
    torch.manual_seed(0)
    model = build_model(Config.fromfile(config))
    model.init_weights()
    torch.save(dict(state_dict=model.state_dict()), path)


@pytest.mark.slow
def test_sharded_training_equals_ddp_and_resumes(data, tmp_path):
    options = dict(
        data=data,
        batch_size=2,
        epochs=2,
        augment=True,
        optim_wrapper=ADAMW,
        load_from=str(tmp_path / 'start.pth'),
    )
    plain = training.write_classifier(tmp_path / 'plain.py', **options)
    sharded = training.write_classifier(tmp_path / 'sharded.py', **options, strategy=SHARDED)
    write_start(plain, tmp_path / 'start.pth')
    for config in (plain, sharded):
        done = run('bash', 'tools/dist_train.sh', config, 2, '--work-dir', tmp_path / config.stem)
        assert done.returncode == 0, done.stderr
    plain, whole = tmp_path / 'plain', tmp_path / 'sharded'
    first, second = training.losses(plain), training.losses(whole)
    assert len(first) == 8 and first[0] != first[-1]
    assert first == pytest.approx(second, abs=1e-4)
    expected, found = training.weights(plain, 2), training.weights(whole, 2)
    assert expected.keys() == found.keys()
    for key, value in expected.items():
        assert torch.allclose(found[key].float(), value.float(), atol=2e-3), key
    done = run(
        'bash',
        'tools/dist_train.sh',
        sharded,
        2,
        '--work-dir',
        tmp_path / 'resumed',
        '--resume',
        whole / 'epoch_1.pth',
    )
    assert done.returncode == 0 and 'resumed after epoch 1' in done.stdout, done.stderr
    for key, value in training.weights(tmp_path / 'resumed', 2).items():
        assert torch.equal(value, found[key]), key
    done = run(
        'python', 'tools/test.py', sharded, whole / 'epoch_2.pth', '--work-dir', tmp_path / 'test'
    )
    assert done.returncode == 0 and 'accuracy/top1' in done.stdout, done.stderr


def test_scalar_parameters_are_rejected(config, tmp_path, one_process):
    runner = training.build_runner(config, tmp_path / 'w', launcher='pytorch')
    runner.model = build_model(Config.fromfile(config))
    runner.model.head.scale = nn.Parameter(torch.tensor(1.0))
    with pytest.raises(InputError, match=r'head\.scale of ImageClassifier is a scalar'):
        runner.train()


def test_loss_scaling_is_rejected(config, tmp_path, one_process, monkeypatch):
    monkeypatch.setattr(mixed_precision, 'choose_dtype', lambda dtype, device: 'float16')
    monkeypatch.setattr(mixed_precision, 'GradScaler', partial(torch.amp.GradScaler, device='cpu'))
    runner = training.build_runner(
        config,
        tmp_path / 'w',
        launcher='pytorch',
        optim_wrapper=dict(
            type='vitae_mm.MixedPrecisionOptimWrapper', optimizer=dict(type='SGD', lr=0.1)
        ),
    )
    with pytest.raises(InputError, match='each process would skip other steps: train in bfloat16'):
        runner.train()


@pytest.mark.slow
def test_a_checkpoint_of_another_model_stops_the_training(data, tmp_path):
    torch.save(dict(state_dict={'backbone.layer1.weight': torch.ones(1)}), tmp_path / 'other.pth')
    config = training.write_classifier(
        tmp_path / 'c.py', data, strategy=SHARDED, load_from=str(tmp_path / 'other.pth')
    )
    message = complaint(run('bash', 'tools/dist_train.sh', config, 2, '--work-dir', tmp_path / 'w'))
    assert '0 of ' in message and 'keys matched' in message and 'layer1.weight' in message


# options of the backbone and the optimizer wrapper to test with each codebase
OPTIONS = dict(
    mmpretrain=(training.write_classifier, dict(with_cp=True), dict(accumulative_counts=2)),
    mmdet=(
        training.write_detector,
        dict(frozen_stages=1),
        dict(optimizer=dict(type='SGD', lr=1.0), clip_grad=dict(max_norm=0.1)),
    ),
    mmseg=(training.write_segmentor, {}, dict(type='vitae_mm.MixedPrecisionOptimWrapper')),
    mmpose=(training.write_pose_estimator, dict(drop_path_rate=0.2), {}),
)


def distance(first, second):
    return torch.stack(
        [(second[key].float() - value.float()).norm() for key, value in first.items()]
    ).norm()


def train_all(rank, folder, ports):
    """Trains all configs of a folder, one after the other in the same process."""
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2', MASTER_ADDR='127.0.0.1')
    use_safe_reader()
    for port, config in zip(ports, sorted(folder.glob('*.py')), strict=True):
        os.environ['MASTER_PORT'] = str(port)
        training.build_runner(config, folder / config.stem, launcher='pytorch').train()
        torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_every_codebase_trains_as_with_ddp(data, tmp_path, monkeypatch):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '-1')
    strategies = dict(ddp=None, fsdp=SHARDED)
    for scope, (write, backbone, optim_wrapper) in OPTIONS.items():
        for name, strategy in strategies.items():
            path = tmp_path / f'{scope}_{name}.py'
            write(
                path,
                data,
                batch_size=2,
                epochs=2,
                strategy=strategy,
                load_from=str(tmp_path / f'{scope}.pth'),
            )
            cfg = Config.fromfile(path)
            cfg.model.backbone.update(backbone)
            cfg.optim_wrapper.update(optim_wrapper)
            cfg.dump(path)
        write_start(path, tmp_path / f'{scope}.pth')
    halves = dict(
        strategy=dict(
            SHARDED,
            model_wrapper=dict(
                mixed_precision=dict(
                    param_dtype='bfloat16', reduce_dtype='float32', buffer_dtype='float32'
                )
            ),
        )
    )
    cfg = Config.fromfile(tmp_path / 'mmpretrain_fsdp.py')
    cfg.merge_from_dict(halves)
    cfg.dump(tmp_path / 'mmpretrain_half.py')
    ports = [free_port() for _ in tmp_path.glob('*.py')]
    torch.multiprocessing.spawn(train_all, (tmp_path, ports), nprocs=2)
    for scope in OPTIONS:
        first, second = (training.losses(tmp_path / f'{scope}_{name}') for name in strategies)
        assert len(first) >= 4 and first[0] != first[-1]
        assert first == pytest.approx(second, rel=1e-4), scope
        start = torch.load(tmp_path / f'{scope}.pth')['state_dict']
        ddp, fsdp = (training.weights(tmp_path / f'{scope}_{name}', 2) for name in strategies)
        assert distance(ddp, fsdp) < 0.01 * distance(ddp, start), scope
    half, full = (training.losses(tmp_path / f'mmpretrain_{name}') for name in ('half', 'fsdp'))
    assert half != full and half == pytest.approx(full, rel=2e-2)
