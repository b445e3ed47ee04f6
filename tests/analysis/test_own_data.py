"""Comparisons on small data: what all rows of a task share."""

import pytest

from vitae_mm.analysis.own_data import (
    BACKBONES,
    EXPERIMENTS,
    PERCENTS,
    RATES,
    STARTING_RATES,
    TASKS,
)

from ..helpers.config_files import BACKBONE_KEYS, read, read_training

each = pytest.mark.parametrize('name', TASKS)


def rows_of(name, preset='own_data'):
    return EXPERIMENTS[name].presets[preset]


def check_steps(cfg, task, asked):
    """Checks that a training is as long as asked, up to half an epoch."""
    assert cfg.train_dataloader.batch_size == task.batch
    epoch = len(cfg.train_dataloader.dataset.indices) // task.batch
    assert abs(cfg.train_cfg.max_epochs * epoch - asked) <= epoch / 2


@each
def test_backbones_differ_in_the_network_only(name):
    rows = rows_of(name)
    for percent in PERCENTS:
        cfgs = [read_training(row.trainings[0]).to_dict() for row in rows if row.x == percent]
        assert len({str(cfg['model']['backbone']) for cfg in cfgs}) == len(BACKBONES)
        for cfg in cfgs:
            del cfg['model']
            for key in BACKBONE_KEYS:
                cfg.pop(key, None)
        assert all(cfg == cfgs[0] for cfg in cfgs)


@each
def test_shares_of_the_images_are_trained_for_equally_many_steps(name):
    task = TASKS[name]
    whole = task.epochs * (task.images // task.batch)
    for row in rows_of(name):
        config = row.trainings[0].config
        assert read(config.removeprefix('configs/')).train_cfg.max_epochs == task.epochs
        cfg = read_training(row.trainings[0])
        indices = cfg.train_dataloader.dataset.indices
        assert len(set(indices)) == len(indices) == round(task.images * row.x / 100)
        assert max(indices) < task.images
        check_steps(cfg, task, whole)


@each
def test_learning_rates_are_chosen_without_the_validation_set(name):
    task, searches = TASKS[name], {row.search for row in rows_of(name)}
    assert {search.name for search in searches} == set(BACKBONES)
    assert {search.rates for search in searches} == {RATES}
    starts = rows_of(name, 'starting_weights')
    assert [row.search.name for row in starts] == [row.label for row in starts]
    assert {row.search.rates for row in starts} == {STARTING_RATES}
    searches |= {row.search for row in starts}
    for search in searches:
        cfg = read_training(search.training)
        train, held_out, test = (
            cfg[f'{split}_dataloader'].dataset for split in ('train', 'val', 'test')
        )
        assert held_out == test
        assert sorted([*train.indices, *held_out.indices]) == list(range(task.images))
        assert held_out.data_prefix == train.data_prefix
        assert held_out.get('ann_file') == train.get('ann_file')
        whole = task.epochs * (task.images // task.batch)
        check_steps(cfg, task, whole / 2)


@each
def test_starting_weights_are_all_that_pretraining_changes(name):
    rows = {row.label: row for row in rows_of(name, 'starting_weights')}
    trained = {label: read_training(row.trainings[0]).to_dict() for label, row in rows.items()}
    searched = {label: read_training(row.search.training).to_dict() for label, row in rows.items()}
    for label, cfg in trained.items():
        network, _, pretraining = label.partition(' after ')
        start = cfg['model']['backbone'].pop('init_cfg', None)
        assert searched[label]['model']['backbone'].pop('init_cfg', None) == start
        assert cfg == trained[network] and searched[label] == searched[network]
        assert bool(start) == bool(pretraining)
        if start:
            # the last checkpoint of a config of this repository, in the default work dir
            _, stem, file = start['checkpoint'].split('/')
            pretrained = read(f'own_data/{stem}.py')
            assert file == f'epoch_{pretrained.train_cfg.max_epochs}.pth'
            assert pretrained.model.backbone.arch == cfg['model']['backbone']['arch']
            if pretraining == 'MAE':
                # of the training images only
                images = pretrained.train_dataloader.dataset
                train = cfg['train_dataloader']['dataset']
                prefix = train['data_prefix'].get('img') or train['data_prefix']['img_path']
                assert images.data_root == train['data_root'] == f'data/{name}/'
                assert images.data_prefix == prefix.rstrip('/')
