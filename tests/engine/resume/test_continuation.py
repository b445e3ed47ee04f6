"""Runs resumed with another config, compared with uninterrupted runs of that config."""

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from vitae_mm.errors import InputError

from ...helpers.points import train

CHANGES = dict(
    epochs=dict(train_cfg__max_epochs=4),
    epochs_and_period=dict(
        train_cfg__max_epochs=4,
        param_scheduler=[dict(type='CosineAnnealingLR', T_max=3, eta_min=1e-4)],
    ),
    lr=dict(optim_wrapper__optimizer__lr=0.4),
    decay=dict(optim_wrapper__optimizer__weight_decay=0.1),
    momentum=dict(optim_wrapper__optimizer__momentum=0.5),
    milestones=dict(param_scheduler=[dict(type='MultiStepLR', milestones=[1, 2])]),
    in_iterations=dict(
        param_scheduler=[dict(type='OneCycleLR', eta_max=0.5, by_epoch=False, total_steps=8)]
    ),
    constant=dict(param_scheduler=None),
    batch_size=dict(train_dataloader__batch_size=2),
    more_data=dict(train_dataloader__dataset__size=32),
    auto_scale_lr=dict(auto_scale_lr=dict(enable=True, base_batch_size=16)),
    converted=dict(
        param_scheduler=[dict(type='CosineAnnealingLR', convert_to_iter_based=True)],
        train_dataloader__batch_size=8,
    ),
)


@pytest.fixture
def saved(tmp_path):
    """The checkpoint of the first of two epochs."""
    train(tmp_path / 'old')
    return tmp_path / 'old' / 'epoch_1.pth'


def content(path):
    return torch.load(path, weights_only=False)


def edit(path, change):
    saved = content(path)
    change(saved)
    torch.save(saved, path)


def log(folder):
    return next(folder.glob('*/*.log')).read_text()


@pytest.mark.parametrize('changes', CHANGES.values(), ids=CHANGES)
def test_a_resumed_run_has_the_options_of_an_uninterrupted_one(changes, saved, tmp_path):
    whole = train(tmp_path / 'whole', **changes)
    resumed = train(tmp_path / 'resumed', saved, **changes)
    length = len(whole.runner.train_dataloader)
    assert resumed.options == whole.options[length:]
    assert resumed.points == whole.points[length:]
    moments = content(saved)['optimizer']['state']
    assert resumed.start.keys() == moments.keys()
    assert all(
        torch.equal(resumed.start[key]['momentum_buffer'], entry['momentum_buffer'])
        for key, entry in moments.items()
    )
    last = f'epoch_{resumed.runner.max_epochs}.pth'
    first, second = (content(tmp_path / run / last) for run in ('whole', 'resumed'))
    for name in ('epoch', 'iter'):
        assert first['meta'][name] == second['meta'][name]
    assert first.get('param_schedulers') == second.get('param_schedulers')


def test_an_unchanged_run_continues_to_the_bit(saved, tmp_path):
    resumed = train(tmp_path / 'resumed', saved)
    assert 'differs' not in log(tmp_path / 'resumed')
    assert len(resumed.options) == 4
    first, second = (
        content(folder / 'epoch_2.pth') for folder in (saved.parent, tmp_path / 'resumed')
    )
    for key, value in first['state_dict'].items():
        assert torch.equal(value, second['state_dict'][key]), key


def test_what_differs_is_logged(saved, tmp_path):
    resumed = train(
        tmp_path / 'resumed',
        saved,
        train_cfg__max_epochs=3,
        optim_wrapper__optimizer__lr=0.2,
        train_dataloader__batch_size=8,
    )
    text = log(tmp_path / 'resumed')
    for line in (
        f'checkpoint {saved}:\n',
        '  train_cfg.max_epochs: 2 -> 3\n',
        '  optim_wrapper.optimizer.lr: 0.1 -> 0.2\n',
        '  train_dataloader.batch_size: 4 -> 8\n',
        '  iterations of an epoch: 4 -> 2\n',
        f'after epoch 1 of 3, iteration 2 of 6: learning rate {resumed.rates[0]:.4g},',
    ):
        assert line in text, line


@HOOKS.register_module()
class SameScoreHook(Hook):
    """Takes the place of validations that find no improvement."""

    def after_train_epoch(self, runner):
        for scheduler in runner.param_schedulers:
            scheduler.step(dict(score=1.0))


def in_iterations(count):
    return dict(
        train_cfg=dict(_delete_=True, type='IterBasedTrainLoop', max_iters=count),
        default_hooks__checkpoint__by_epoch=False,
        train_dataloader__sampler__type='InfiniteSampler',
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=6),
            dict(type='PolyLR', by_epoch=False, begin=2),
        ],
    )


def test_a_longer_run_in_iterations_follows_its_schedule(tmp_path):
    train(tmp_path / 'old', **in_iterations(8))
    whole = train(tmp_path / 'whole', **in_iterations(12))
    resumed = train(tmp_path / 'resumed', tmp_path / 'old' / 'iter_5.pth', **in_iterations(12))
    assert resumed.options == whole.options[5:] and len(resumed.options) == 7
    assert resumed.points == whole.points[5:]
    assert 'train_cfg.max_iters: 8 -> 12' in log(tmp_path / 'resumed')


@pytest.mark.parametrize(
    'changes, reason',
    [
        (dict(optim_wrapper__optimizer=dict(_delete_=True, type='AdamW', lr=0.1)), 'SGD.*AdamW'),
        (
            dict(optim_wrapper__paramwise_cfg=dict(bias_lr_mult=2.0)),
            r'1 group of 6 parameters, but optim_wrapper makes 6 groups of 1, 1',
        ),
    ],
)
def test_another_optimizer_cannot_continue(changes, reason, saved, tmp_path):
    with pytest.raises(InputError, match=reason) as error:
        train(tmp_path / 'resumed', saved, **changes)
    assert 'load_from' in str(error.value) and str(saved) in str(error.value)
    assert not list((tmp_path / 'resumed').glob('*.pth'))


def test_moments_of_another_shape_are_refused(saved, tmp_path):
    def reshape(content):
        content['optimizer']['state'][0]['momentum_buffer'] = torch.zeros(3, 1)

    edit(saved, reshape)
    with pytest.raises(
        InputError, match=r'first\.weight has the shape \[3, 1\] instead of \[2, 1\]'
    ):
        train(tmp_path / 'resumed', saved, train_cfg__max_epochs=3)


def test_older_checkpoints_without_config_continue_by_the_config(saved, tmp_path):
    def forget(content):
        for name in ('cfg', 'processes', 'epoch_length'):
            del content['meta'][name]
        del content['param_schedulers']

    edit(saved, forget)
    whole = train(tmp_path / 'whole', train_cfg__max_epochs=3)
    resumed = train(tmp_path / 'resumed', saved, train_cfg__max_epochs=3)
    assert resumed.options == whole.options[4:]
    assert 'config: ' in log(tmp_path / 'resumed')
    with pytest.raises(InputError, match='no betas, which Adam needs'):
        train(
            tmp_path / 'other',
            saved,
            optim_wrapper__optimizer=dict(_delete_=True, type='Adam', lr=0.1),
        )


def test_another_number_of_processes_is_named(saved, tmp_path):
    edit(saved, lambda content: content['meta'].update(processes=2, epoch_length=2, iter=2))
    whole = train(tmp_path / 'whole')
    resumed = train(tmp_path / 'resumed', saved)
    assert resumed.options == whole.options[4:]
    text = log(tmp_path / 'resumed')
    assert '  processes: 2 -> 1\n' in text and '  iterations of an epoch: 2 -> 4\n' in text


def test_an_interrupted_epoch_begins_anew(tmp_path):
    hook = dict(default_hooks__checkpoint__by_epoch=False)
    whole = train(tmp_path / 'whole', **hook)
    resumed = train(tmp_path / 'resumed', tmp_path / 'whole' / 'iter_6.pth', **hook)
    assert resumed.options == whole.options[4:]
    # saved before the schedulers that count epochs have stepped
    resumed = train(tmp_path / 'ended', tmp_path / 'whole' / 'iter_4.pth', **hook)
    assert resumed.options == whole.options[4:]


def test_the_seed_is_that_of_the_config(saved, tmp_path):
    whole = train(tmp_path / 'whole', randomness__seed=7)
    resumed = train(tmp_path / 'resumed', saved, randomness__seed=7)
    assert resumed.points == whole.points[4:] and resumed.runner.seed == 7


def test_groups_of_parameters_keep_their_ratios(tmp_path):
    groups = dict(optim_wrapper__paramwise_cfg=dict(bias_lr_mult=2.0))
    train(tmp_path / 'old', **groups)
    groups['optim_wrapper__optimizer__lr'] = 0.4
    whole = train(tmp_path / 'whole', **groups)
    resumed = train(tmp_path / 'resumed', tmp_path / 'old' / 'epoch_1.pth', **groups)
    assert resumed.options == whole.options[4:]
    lr, base = (resumed.runner.optim_wrapper.get_lr()[name] for name in ('lr', 'base_lr'))
    assert whole.runner.optim_wrapper.get_lr() == dict(lr=lr, base_lr=base)
    assert lr[1] == pytest.approx(2 * lr[0], rel=1e-3) and base == lr[:1]


def test_a_run_in_epochs_can_continue_in_iterations_and_back(saved, tmp_path):
    whole = train(tmp_path / 'whole', **in_iterations(8))
    resumed = train(tmp_path / 'resumed', saved, **in_iterations(8))
    assert resumed.options == whole.options[4:]
    epochs = train(tmp_path / 'epochs', train_cfg__max_epochs=3)
    resumed = train(tmp_path / 'back', tmp_path / 'whole' / 'iter_8.pth', train_cfg__max_epochs=3)
    assert resumed.options == epochs.options[8:]


def test_mixed_precision_can_be_added(saved, tmp_path):
    resumed = train(
        tmp_path / 'resumed', saved, optim_wrapper__type='vitae_mm.MixedPrecisionOptimWrapper'
    )
    assert resumed.options == train(tmp_path / 'whole').options[4:]


def plateau(**entries):
    return dict(
        param_scheduler=[dict(type='ReduceOnPlateauLR', monitor='score', patience=0, rule='less')],
        custom_hooks=[dict(type='SameScoreHook')],
        train_cfg__max_epochs=3,
        **entries,
    )


def test_a_rate_that_follows_validations_is_kept_or_refused(tmp_path):
    train(tmp_path / 'old', **plateau())
    saved = tmp_path / 'old' / 'epoch_3.pth'
    resumed = train(tmp_path / 'resumed', saved, **(plateau() | dict(train_cfg__max_epochs=5)))
    whole = train(tmp_path / 'whole', **(plateau() | dict(train_cfg__max_epochs=5)))
    assert whole.rates[0] > whole.rates[12] > whole.rates[-1]
    assert resumed.options == whole.options[12:]
    with pytest.raises(InputError, match='another lr: the schedule depends on past validations'):
        train(tmp_path / 'other', saved, **plateau(optim_wrapper__optimizer__lr=0.2))
