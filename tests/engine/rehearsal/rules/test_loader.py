"""Checks of data loaders."""

import pytest
from mmengine.config import Config
from mmengine.dataset import DefaultSampler, InfiniteSampler
from torch.utils.data import DataLoader

from vitae_mm.engine.rehearsal.rules import check_loader
from vitae_mm.engine.rehearsal.rules.loader import build_loader
from vitae_mm.errors import InputError


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
