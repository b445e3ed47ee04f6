from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import BaseLoop
from torch import nn

from vitae_mm.backbones import ViTAEv2
from vitae_mm.engine.hooks import CheckpointMatchHook
from vitae_mm.errors import InputError

from ...helpers.archs import TWO_STAGES


class Loop(BaseLoop):
    def __init__(self):
        pass

    def run(self):
        pass


@pytest.fixture
def model():
    return nn.ModuleDict(dict(backbone=nn.Linear(2, 2), head=nn.Linear(2, 3)))


def load(model, state, training, resume=False):
    runner = SimpleNamespace(
        model=model,
        _train_loop=Loop() if training else {},
        _resume=resume,
        _load_from='a.pth',
        work_dir='w',
    )
    checkpoint = dict(model=state)
    CheckpointMatchHook().after_load_checkpoint(runner, checkpoint)
    # mmengine reads only this entry
    assert checkpoint['state_dict'].keys() == state.keys()


def test_another_head_can_start_a_run_but_not_be_tested_or_resumed(model):
    state = {**model.state_dict(), 'head.weight': torch.zeros(5, 2)}
    load(model, state, training=True)
    for training, resume in ((False, False), (True, True)):
        with pytest.raises(InputError, match=r'head\.weight'):
            load(model, state, training, resume)


def test_another_backbone_cannot_start_a_run(model):
    state = {'backbone.conv.weight': torch.zeros(1), 'head.weight': torch.zeros(3, 2)}
    with pytest.raises(InputError, match=r'0 of 2 keys matched, 2 missing.*1 unexpected'):
        load(model, state, training=True)


def test_a_complete_checkpoint_passes(model):
    for training, resume in ((False, False), (True, True), (True, False)):
        load(model, model.state_dict(), training, resume)


def test_stages_that_are_not_built_are_ignored():
    whole = ViTAEv2(TWO_STAGES)
    model = nn.ModuleDict(
        dict(backbone=ViTAEv2(TWO_STAGES, out_indices=(0,)), head=nn.Linear(2, 3))
    )
    load(
        model,
        {f'backbone.{key}': value for key, value in whole.state_dict().items()},
        training=True,
    )


@pytest.mark.parametrize('key', ['backbone.weight', 'head.weight'])
def test_weights_that_are_not_finite_cannot_start_a_run(model, key):
    state = {**model.state_dict(), key: torch.full((3, 2), float('nan'))[: 2 + ('head' in key)]}
    with pytest.raises(InputError, match=f'not finite, such as .*{key.split(".")[1]}'):
        load(model, state, training=True)
