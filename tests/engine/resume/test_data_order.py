from types import SimpleNamespace

import pytest
from mmengine.dataset import InfiniteSampler
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler

from vitae_mm.engine.resume import continue_data_order

from ...helpers.points import Points, train

SAMPLERS = dict(
    infinite=dict(train_dataloader__sampler__type='InfiniteSampler'),
    passes=dict(train_dataloader__sampler__type='DefaultSampler'),
    by_shape=dict(
        train_dataloader__batch_sampler=dict(type='mmdet.AspectRatioBatchSampler', drop_last=False)
    ),
    by_shape_infinite=dict(
        train_dataloader__batch_sampler=dict(type='mmdet.AspectRatioBatchSampler'),
        train_dataloader__sampler__type='InfiniteSampler',
    ),
    workers=dict(
        train_dataloader__sampler__type='InfiniteSampler',
        train_dataloader__num_workers=2,
        train_dataloader__persistent_workers=True,
    ),
)


def in_iterations(**entries):
    return dict(
        train_cfg=dict(_delete_=True, type='IterBasedTrainLoop', max_iters=14),
        default_hooks__checkpoint__by_epoch=False,
        param_scheduler=[dict(type='PolyLR', by_epoch=False)],
        train_dataloader__batch_size=3,
        **entries,
    )


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    """mmengine pauses between two passes over the data."""
    monkeypatch.setattr('time.sleep', lambda seconds: None)


@pytest.mark.parametrize('name', SAMPLERS)
def test_the_data_continue_without_being_read_again(name, tmp_path):
    entries = in_iterations(**SAMPLERS[name])
    whole = train(tmp_path / 'whole', **entries)
    assert len(whole.points) == 14
    for steps in (2, 6, 13):  # a pass has six batches
        resumed = train(
            tmp_path / f'resumed_{steps}', tmp_path / 'whole' / f'iter_{steps}.pth', **entries
        )
        assert resumed.points == whole.points[steps:]
        if name != 'workers':
            read = resumed.runner.train_dataloader.dataset.read
            assert read == [index for batch in resumed.points for index in batch]


@pytest.mark.parametrize('workers', [0, 2])
def test_older_versions_of_mmengine_call_next_for_each_batch_to_skip(workers):
    def make_loader():
        dataset = Points()
        sampler = InfiniteSampler(dataset, seed=3)
        return DataLoader(dataset, batch_size=3, sampler=sampler, num_workers=workers)

    expected = iter(make_loader())
    for _ in range(5):
        next(expected)
    loop = SimpleNamespace(dataloader=make_loader(), iter=5)
    # created before the run is resumed; its workers read ahead
    loop.dataloader_iterator = iter(loop.dataloader)
    continue_data_order(loop)
    for _ in range(5):
        next(loop.dataloader_iterator)
    for _ in range(9):
        found, wanted = next(loop.dataloader_iterator), next(expected)
        assert found['index'].tolist() == wanted['index'].tolist()
    if not workers:
        assert len(loop.dataloader.dataset.read) == 9 * 3


def test_other_samplers_are_left_to_mmengine():
    dataset = Points()
    iterator = object()
    for options in (
        dict(batch_size=3),
        dict(batch_sampler=BatchSampler(SequentialSampler(dataset), 3, False)),
        dict(batch_sampler=[[1, 2]]),
        dict(batch_size=None),
    ):
        loop = SimpleNamespace(
            dataloader=DataLoader(dataset, **options), iter=5, dataloader_iterator=iterator
        )
        continue_data_order(loop)
        assert loop.dataloader_iterator is iterator
