"""Checks of the work dir, its free space, and data loaders."""

import os
import shutil
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch import nn
from torch.utils.data import DataLoader

from vitae_mm.engine.rehearsal.rules import (
    build_loader,
    check_loader,
    check_room,
    check_work_dir,
    checkpoint_bytes,
    forget_run,
)
from vitae_mm.errors import InputError


@pytest.fixture
def cfg(tmp_path):
    return Config(
        dict(
            work_dir=str(tmp_path / 'a' / 'b'),
            default_hooks={},
            optim_wrapper=dict(optimizer=dict(type='AdamW')),
        )
    )


def test_it_must_not_be_inside_a_file(tmp_path):
    (tmp_path / 'file').touch()
    for path in (tmp_path / 'file', tmp_path / 'file' / 'a' / 'b'):
        with pytest.raises(InputError, match='file is a file: choose another --work-dir'):
            check_work_dir(str(path), resume=False, overwrite=False)


def test_it_must_be_writable(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'access', lambda path, mode: path != tmp_path)
    with pytest.raises(InputError, match='is not writable'):
        check_work_dir(str(tmp_path / 'a' / 'b'), resume=False, overwrite=False)


def test_checks_do_not_change_it(tmp_path):
    mark = tmp_path / 'last_checkpoint'
    mark.touch()
    check_work_dir(str(tmp_path), resume=False, overwrite=True)
    assert mark.exists()
    with pytest.raises(InputError, match='already contains a run'):
        check_work_dir(str(tmp_path), resume=False, overwrite=False)
    check_work_dir(str(tmp_path / 'a' / 'b'), resume=False, overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == ['last_checkpoint']


@pytest.mark.parametrize(
    'optimizer', [dict(type='AdamW'), dict(type='Adam'), dict(type='SGD', momentum=0.9)]
)
@pytest.mark.parametrize('averaged', [False, True])
def test_the_size_of_a_checkpoint_is_estimated(cfg, tmp_path, optimizer, averaged):
    model = nn.Sequential(nn.Linear(300, 300), nn.Linear(300, 200))
    model[0].requires_grad_(False)
    options = {key: value for key, value in optimizer.items() if key != 'type'}
    trained = getattr(torch.optim, optimizer['type'])(model[1].parameters(), lr=0.1, **options)
    model(torch.zeros(1, 300)).sum().backward()
    trained.step()
    saved = dict(state_dict=model.state_dict(), optimizer=trained.state_dict())
    if averaged:
        cfg.custom_hooks = [dict(type='EMAHook')]
        saved['ema_state_dict'] = {key: value.clone() for key, value in model.state_dict().items()}
    torch.save(saved, tmp_path / 'a.pth')
    cfg.optim_wrapper.optimizer = optimizer
    size = (tmp_path / 'a.pth').stat().st_size
    assert checkpoint_bytes(cfg, model) == pytest.approx(size, rel=0.02)


def test_checkpoints_may_have_no_optimizer(cfg):
    model = nn.Linear(8, 8)
    cfg.default_hooks.checkpoint = dict(save_optimizer=False)
    assert checkpoint_bytes(cfg, model) == 4 * (64 + 8)


def test_there_must_be_space_for_a_checkpoint(cfg, tmp_path, monkeypatch):
    def disk(path):
        assert path == tmp_path  # the work dir does not exist yet
        return SimpleNamespace(free=1_000_000)

    monkeypatch.setattr(shutil, 'disk_usage', disk)
    check_room(cfg, nn.Linear(100, 100))
    with pytest.raises(InputError, match='has 1.0 MB free, one checkpoint takes about 12.0 MB'):
        check_room(cfg, nn.Linear(1000, 1000))


def test_a_run_is_not_overwritten(tmp_path):
    check_work_dir(tmp_path, resume=False, overwrite=False)
    (tmp_path / 'last_checkpoint').touch()
    check_work_dir(tmp_path, resume=True, overwrite=False)
    with pytest.raises(InputError, match='--resume'):
        check_work_dir(tmp_path, resume=False, overwrite=False)
    check_work_dir(tmp_path, resume=False, overwrite=True)
    forget_run(tmp_path)
    check_work_dir(tmp_path, resume=False, overwrite=False)


def loader(count, batch_size, kind=DefaultSampler, **options):
    data = list(range(count))
    return DataLoader(data, batch_size, sampler=kind(data, seed=0), **options)


@pytest.mark.parametrize(
    'count, batch_size, processes, drop_last, batches',
    [
        (10, 3, 1, False, 4),
        (10, 3, 1, True, 3),
        (10, 3, 2, False, 2),
        (10, 3, 2, True, 1),
        (16, 2, 8, True, 1),
        (17, 2, 8, True, 1),
        (17, 2, 8, False, 2),
        (1, 4, 8, False, 1),
    ],
)
def test_batches_per_process_are_counted(
    monkeypatch, count, batch_size, processes, drop_last, batches
):
    assert check_loader(loader(count, batch_size, drop_last=drop_last), processes) == batches
    # the same with a sampler that divides the data
    monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda: (0, processes))
    assert check_loader(loader(count, batch_size, drop_last=drop_last)) == batches


@pytest.mark.parametrize('processes', [1, 8])
def test_a_loader_must_not_drop_all_samples(processes):
    with pytest.raises(InputError, match='3 samples are not enough for a full batch'):
        check_loader(loader(3, 4, drop_last=True), processes)
    # this sampler starts over in the middle of a batch
    check_loader(loader(3, 4, InfiniteSampler, drop_last=True), processes)


def test_there_must_be_samples():
    """An infinite sampler would search forever."""
    with pytest.raises(InputError, match='0 samples'):
        check_loader(loader(0, 4, InfiniteSampler))


def test_nothing_is_downloaded(tmp_path):
    cfg = Config(
        dict(
            default_scope='mmpretrain',
            train_dataloader=dict(
                batch_size=4,
                sampler=dict(type='DefaultSampler'),
                dataset=dict(type='mmpretrain.CIFAR10', data_root=str(tmp_path), split='train'),
            ),
        )
    )
    assert build_loader(cfg, 'train') is None
    assert not list(tmp_path.iterdir())
