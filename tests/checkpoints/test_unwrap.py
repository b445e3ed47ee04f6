import pytest
import torch

from vitae_mm.checkpoints import unaveraged, unwrap_state_dict
from vitae_mm.errors import InputError

BARE = dict(a=torch.zeros(1), b=torch.ones(1))
DDP = {f'module.{key}': value for key, value in BARE.items()}


@pytest.mark.parametrize(
    'checkpoint, wrappers',
    [
        (BARE, ()),
        (DDP, ('module.',)),
        (dict(state_dict=BARE, epoch=3), ('state_dict',)),
        (dict(model=BARE, args=dict(lr=1)), ('model',)),
        (dict(model=dict(state_dict=DDP)), ('model', 'state_dict', 'module.')),
        (dict(state_dict=dict(a=torch.ones(1)), state_dict_ema=DDP), ('state_dict_ema', 'module.')),
    ],
)
def test_wrappers_are_removed(checkpoint, wrappers):
    found = unwrap_state_dict(checkpoint)
    assert found.state_dict == BARE and found.wrappers == wrappers


def test_raw_weights_are_read_instead_of_averages():
    found = unwrap_state_dict(dict(state_dict=BARE, state_dict_ema={}), ema=False)
    assert found.wrappers == ('state_dict',)


@pytest.mark.parametrize('checkpoint', [[1, 2], {}, dict(epoch=3), 'text', dict(state_dict={})])
def test_a_missing_state_dict_is_reported(checkpoint):
    with pytest.raises(InputError, match='no state dict'):
        unwrap_state_dict(checkpoint)


def test_trained_weights_are_read_from_an_averaged_checkpoint():
    checkpoint = dict(
        meta={},
        state_dict=dict(a=torch.ones(1)),
        ema_state_dict={'steps': torch.tensor(7), 'module.a': torch.zeros(1)},
    )
    assert unwrap_state_dict(checkpoint).state_dict['a'] == 1
    state = unwrap_state_dict(unaveraged(checkpoint), ema=False).state_dict
    assert list(state) == ['a'] and state['a'] == 0
    plain = dict(state_dict=dict(a=torch.ones(1)))
    assert unaveraged(plain) is plain
