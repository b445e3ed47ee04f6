import pytest
from mmengine.config import Config

from vitae_mm.engine.resume import find_differences, read_config_text


def test_a_config_is_read_as_mmengine_writes_it():
    entries = dict(
        model=dict(
            type='A', keys={'a.b': dict(x=1), 'c': (1, -2.5)}, nested=[dict(y=None), [True]]
        ),
        param_scheduler=[dict(type='LinearLR', end=float('inf'))],
        quoted='it\'s "quoted"\n',
        numbers={0: 'zero', 1: dict(one=1)},
    )
    read = read_config_text(Config(entries).pretty_text)
    assert read == dict(
        model=dict(
            type='A', keys={'a.b': dict(x=1), 'c': [1, -2.5]}, nested=[dict(y=None), [True]]
        ),
        param_scheduler=[dict(type='LinearLR', end='inf')],
        quoted='it\'s "quoted"\n',
        numbers={0: 'zero', 1: dict(one=1)},
    )


def test_nothing_in_a_config_is_run(tmp_path):
    mark = tmp_path / 'run'
    text = f"""
import os
optim_wrapper = dict(lr=open({str(mark)!r}, 'w').write('x'), **{{}})
train_cfg = dict([(open({str(mark)!r}, 'w'), 1)])
open({str(mark)!r}, 'w')
randomness = [str(1), f'{{os}}']
"""
    read = read_config_text(text)
    assert read.keys() == {'optim_wrapper', 'train_cfg', 'randomness'}
    assert read['randomness'] == ['str(1)', "f'{os}'"]
    assert read['optim_wrapper'].startswith('dict(lr=open(') and not mark.exists()


@pytest.mark.parametrize(
    'text', [None, 3, 'a = (', 'a\0b', '(' * 100_000, 'a = ' + '-' * 100_000 + '1']
)
def test_other_text_is_no_config(text):
    assert read_config_text(text) is None


def differences(old, new):
    return {path: str(value) for path, value in find_differences(old, new).items()}


def test_differences_are_named():
    old = dict(
        train_cfg=dict(max_epochs=4, val_interval=1),
        param_scheduler=dict(type='CosineAnnealingLR', T_max=4),
        optim_wrapper=dict(optimizer=dict(lr=0.1, betas=[0.9, 0.99])),
        custom_hooks=[dict(type='A')],
    )
    new = dict(
        train_cfg=dict(max_epochs=8, val_interval=2),
        param_scheduler=[dict(type='CosineAnnealingLR', T_max=8)],
        optim_wrapper=dict(optimizer=dict(lr=0.1, betas=[0.9, 0.95]), clip_grad=dict(max_norm=1)),
        custom_hooks=[dict(type='A'), dict(type='B' * 100)],
    )
    found = differences(old, new)
    assert found.pop('custom_hooks').endswith('BBB...')
    assert found == {
        'train_cfg.max_epochs': '4 -> 8',
        'param_scheduler[0].T_max': '4 -> 8',
        'optim_wrapper.optimizer.betas[1]': '0.99 -> 0.95',
        'optim_wrapper.clip_grad': "None -> {'max_norm': 1}",
    }


@pytest.mark.parametrize(
    'entries',
    [
        dict(work_dir='other', load_from='x', resume=True, launcher='pytorch', log_level='DEBUG'),
        dict(default_hooks=dict(logger=dict(interval=1)), visualizer=dict(type='V')),
        dict(val_dataloader=dict(batch_size=8), val_cfg=dict(), train_pipeline=[1]),
        dict(model=dict(backbone=dict(depth=3, init_cfg=dict(checkpoint='moved.pth')))),
        dict(train_dataloader=dict(batch_size=2, num_workers=8, persistent_workers=True)),
        dict(train_cfg=dict(max_epochs=4, val_interval=5)),
    ],
    ids=lambda entries: next(iter(entries)),
)
def test_what_does_not_change_the_training_is_ignored(entries):
    old = dict(
        work_dir='old',
        model=dict(backbone=dict(depth=3, init_cfg=dict(checkpoint='there.pth'))),
        train_dataloader=dict(batch_size=2, num_workers=1),
        train_cfg=dict(max_epochs=4),
    )
    assert differences(old, {**old, **entries}) == {}
