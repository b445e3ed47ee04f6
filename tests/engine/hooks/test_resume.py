import pytest
import torch

from ...helpers.points import train

AVERAGED = dict(
    custom_hooks=[dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.5)]
)


def content(path):
    return torch.load(path, weights_only=False)


@pytest.fixture
def averaged(tmp_path):
    """Folder of a run with averaged weights."""
    train(tmp_path / 'averaged', **AVERAGED)
    return tmp_path / 'averaged'


def test_checkpoints_tell_processes_and_length_of_an_epoch(tmp_path):
    train(tmp_path)
    meta = content(tmp_path / 'epoch_1.pth')['meta']
    assert meta['processes'] == 1 and meta['epoch_length'] == 4


def test_averaging_continues_to_the_bit(averaged, tmp_path):
    train(tmp_path / 'resumed', averaged / 'epoch_1.pth', **AVERAGED)
    first, second = (content(f / 'epoch_2.pth') for f in (averaged, tmp_path / 'resumed'))
    for entry in ('state_dict', 'ema_state_dict'):
        for key, value in first[entry].items():
            assert torch.equal(value, second[entry][key]), key


def test_without_averaging_the_trained_weights_continue(averaged, tmp_path):
    train(tmp_path / 'whole')
    train(tmp_path / 'resumed', averaged / 'epoch_1.pth')
    first, second = (content(tmp_path / f / 'epoch_2.pth') for f in ('whole', 'resumed'))
    for key, value in first['state_dict'].items():
        assert torch.equal(value, second['state_dict'][key]), key
    assert 'ema_state_dict' not in second


def test_averaging_can_be_added(tmp_path):
    train(tmp_path / 'plain')
    resumed = train(tmp_path / 'resumed', tmp_path / 'plain' / 'epoch_1.pth', **AVERAGED)
    assert 'ema_state_dict' in content(tmp_path / 'resumed' / 'epoch_2.pth')
    assert len(resumed.rates) == 4


def test_a_long_list_of_differences_is_cut(tmp_path):
    many = [dict(type='IterTimerHook') for _ in range(30)]
    train(tmp_path / 'old', custom_hooks=many)
    for hook in many:
        hook['priority'] = 'LOW'
    train(tmp_path / 'new', tmp_path / 'old' / 'epoch_1.pth', custom_hooks=many)
    text = next((tmp_path / 'new').glob('*/*.log')).read_text()
    assert "  custom_hooks[19].priority: None -> 'LOW'\n  and 10 more\n" in text
