"""Layer-wise learning rates of each of our networks in a model of each codebase."""

import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, DefaultScope
from torch import nn

from vitae_mm.backbones import ViTAEv2
from vitae_mm.errors import InputError

from ...helpers import training
from ...helpers.archs import FOUR_STAGES, NARROW

RATE, LR, DECAY = 0.5, 0.1, 0.05
LAYERS = dict(vitaev2=10, vitae=6, vitae_patch=4, ceit=4)
DECAYS = dict(
    norm_decay_mult=0.0,
    bias_decay_mult=0.0,
    flat_decay_mult=0.5,
    custom_keys={'head': dict(lr_mult=10.0), '.position': dict(decay_mult=0.0)},
)


def wrap(model, paramwise_cfg=None, **optimizer):
    cfg = dict(
        optimizer=dict(type='SGD', **{**dict(lr=LR, weight_decay=DECAY), **optimizer}),
        paramwise_cfg=paramwise_cfg,
    )
    if 'layer_decay_rate' in (paramwise_cfg or {}):
        cfg['constructor'] = 'vitae_mm.LayerDecayOptimWrapperConstructor'
    return build_optim_wrapper(model, cfg)


def groups(model, optim_wrapper):
    """Options of each parameter by its name; each is in one group."""
    found = {
        parameter: {key: value for key, value in group.items() if key != 'params'}
        for group in optim_wrapper.optimizer.param_groups
        for parameter in group['params']
    }
    assert sum(len(group['params']) for group in optim_wrapper.optimizer.param_groups) == len(found)
    return {
        name: found[parameter]
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def in_codebase(scope, family, folder, **options):
    model = Config.fromfile(training.WRITERS[scope](folder / 'c.py', Path('data'))).model
    network, arch = NARROW[family]
    model.backbone = dict(type=f'vitae_mm.{network.__name__}', arch=arch, **options)
    with (
        DefaultScope.overwrite_default_scope(scope),
        MODELS.switch_scope_and_registry(scope) as registry,
    ):
        return registry.build(model)


@pytest.mark.parametrize('scope', training.WRITERS)
@pytest.mark.parametrize('family', NARROW)
def test_learning_rates_rise_with_depth(scope, family, tmp_path):
    model = in_codebase(scope, family, tmp_path)
    plain = groups(model, wrap(model, DECAYS))
    decayed = groups(model, wrap(model, dict(DECAYS, layer_decay_rate=RATE)))
    assert plain.keys() == decayed.keys() == dict(model.named_parameters()).keys()
    multipliers = {}
    for name, group in decayed.items():
        layer, count = model.backbone.get_layer_depth(name, 'backbone.')
        assert count == LAYERS[family] + 1
        multipliers.setdefault(layer, group['lr'] / plain[name]['lr'])
        assert group['lr'] == pytest.approx(plain[name]['lr'] * RATE ** (LAYERS[family] - layer))
        assert dict(group, lr=None) == dict(plain[name], lr=None), name
        assert name.startswith('backbone.stages.') or layer == LAYERS[family], name
    rising = [multipliers[layer] for layer in range(LAYERS[family] + 1)]
    assert rising == sorted(set(rising)) and rising[-1] == 1
    cell = f'backbone.stages.{len(model.backbone.stages) - 1}.cells.0'
    assert decayed[f'{cell}.attn.proj.weight']['weight_decay'] == DECAY
    assert decayed[f'{cell}.norm1.weight']['weight_decay'] == 0


class Model(nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(32, 3)


def test_the_constructor_of_mmpretrain_gives_the_same_rates(tmp_path):
    model = in_codebase('mmpretrain', 'vitaev2', tmp_path)
    cfg = dict(
        optimizer=dict(type='SGD', lr=LR, weight_decay=DECAY),
        paramwise_cfg=dict(layer_decay_rate=RATE),
        constructor='mmpretrain.LearningRateDecayOptimWrapperConstructor',
    )
    theirs = groups(model, build_optim_wrapper(model, cfg))
    for name, group in groups(model, wrap(model, dict(layer_decay_rate=RATE))).items():
        assert group['lr'] == theirs[name]['lr'], name


def test_frozen_layers_have_no_group():
    model = Model(ViTAEv2(FOUR_STAGES, frozen_stages=2))
    rates = groups(model, wrap(model, dict(layer_decay_rate=RATE)))
    assert not any(name.startswith(('backbone.stages.0', 'backbone.stages.1')) for name in rates)
    # the third of four stages begins with layer 5 of 10
    assert rates['backbone.stages.2.reduction.norm1.weight']['lr'] == LR * RATE**5
    assert rates['head.weight']['lr'] == LR


def test_a_model_in_a_wrapper_gives_the_same_groups():
    model = Model(ViTAEv2(FOUR_STAGES))
    wrapped = nn.Module()
    wrapped.module = model
    assert groups(model, wrap(wrapped, dict(layer_decay_rate=RATE))) == groups(
        model, wrap(model, dict(layer_decay_rate=RATE))
    )


def test_shared_parameters_are_trained_once():
    model = Model(ViTAEv2(FOUR_STAGES))
    model.second_head = model.head
    model.third_head = copy.deepcopy(model.head)
    model.third_head.weight = model.head.weight
    rates = groups(model, wrap(model, dict(layer_decay_rate=RATE, bypass_duplicate=True)))
    assert len(rates) == len(list(model.parameters()))


class LinearWithDepth(nn.Linear):
    def get_layer_depth(self, name, prefix):
        return dict(weight=0, bias=1).get(name.removeprefix(prefix), 2), 3


def test_other_backbones_may_have_get_layer_depth():
    model = Model(LinearWithDepth(2, 2))
    rates = groups(model, wrap(model, dict(layer_decay_rate=RATE)))
    assert [rates[f'backbone.{name}']['lr'] for name in ('weight', 'bias')] == [LR / 4, LR / 2]


def test_backbones_without_get_layer_depth_are_rejected():
    with pytest.raises(InputError, match='backbone Conv2d of Model are unknown'):
        wrap(Model(nn.Conv2d(3, 3, 1)), dict(layer_decay_rate=RATE))


@pytest.mark.parametrize('rate', [None, 0, 1.5, '.75', True])
def test_missing_and_invalid_rates_are_rejected(rate):
    with pytest.raises(InputError, match=f'layer_decay_rate={rate!r}: give a number'):
        wrap(Model(ViTAEv2(FOUR_STAGES)), dict(layer_decay_rate=rate))


def test_an_optimizer_without_a_learning_rate_is_rejected():
    with pytest.raises(InputError, match='has no lr'):
        wrap(Model(ViTAEv2(FOUR_STAGES)), dict(layer_decay_rate=RATE), lr=None)


def test_weights_move_by_their_multiplier():
    model = Model(ViTAEv2(FOUR_STAGES))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optim_wrapper = wrap(model, dict(layer_decay_rate=RATE), weight_decay=0.0)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optim_wrapper.step()
    for name, parameter in model.named_parameters():
        layer, count = model.backbone.get_layer_depth(name, 'backbone.')
        step = before[name] - parameter
        assert torch.allclose(
            step, torch.full_like(step, LR * RATE ** (count - 1 - layer)), atol=1e-6
        ), name
