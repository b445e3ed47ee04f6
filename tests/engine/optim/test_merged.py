"""Parameters with equal options are in one group."""

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from vitae_mm.engine.optim.merged import merge_groups

from ...helpers.stacks import needs_torch

OPTIMIZER = dict(type='AdamW', lr=0.1, weight_decay=0.05)
DECAYS = dict(norm_decay_mult=0.0, custom_keys={'2': dict(lr_mult=10.0)})


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 4), nn.LayerNorm(4))


def wrapper_of(model, **options):
    return build_optim_wrapper(
        model,
        dict(
            type='OptimWrapper',
            optimizer={**OPTIMIZER, **options},
            paramwise_cfg=DECAYS,
            constructor='vitae_mm.MergedOptimWrapperConstructor',
        ),
    )


def test_groups_have_different_options(model):
    groups = wrapper_of(model).optimizer.param_groups
    found = {
        (group['lr'], group['weight_decay']): {id(p) for p in group['params']} for group in groups
    }
    assert found == {
        (0.1, 0.05): {id(p) for p in model[0].parameters()},
        (0.1, 0.0): {id(p) for i in (1, 3) for p in model[i].parameters()},
        (1.0, 0.05): {id(p) for p in model[2].parameters()},
    }


@pytest.mark.parametrize(
    'fused', [False, pytest.param(True, marks=needs_torch('2.4', 'a fused optimizer on CPUs'))]
)
def test_steps_equal_those_of_the_default_constructor(fused, model):
    weights = []
    for constructor in ('DefaultOptimWrapperConstructor', 'vitae_mm.MergedOptimWrapperConstructor'):
        torch.manual_seed(0)
        model = nn.Sequential(
            *(
                type(layer)(*size)
                for layer, size in zip(model, ((2, 3), (3,), (3, 4), (4,)), strict=True)
            )
        )
        wrapper = build_optim_wrapper(
            model,
            dict(
                type='OptimWrapper',
                optimizer={**OPTIMIZER, 'fused': fused},
                paramwise_cfg=DECAYS,
                constructor=constructor,
            ),
        )
        for _ in range(3):
            wrapper.update_params(model(torch.linspace(-1, 1, 8).view(4, 2)).square().mean())
        weights.append([p.detach().clone() for p in model.parameters()])
    assert all(torch.allclose(a, b) for a, b in zip(*weights, strict=True))


@pytest.mark.parametrize('fusing', [False, True])
def test_fused_is_dropped_where_pytorch_lacks_it(fusing, model, monkeypatch):
    monkeypatch.setattr('vitae_mm.engine.optim.merged.fuses_optimizers', lambda device: fusing)
    options = dict(type='SGD', lr=0.1, fused=True)
    config = dict(optimizer=options, constructor='vitae_mm.MergedOptimWrapperConstructor')
    kinds = []
    monkeypatch.setattr(
        torch.optim.SGD, '__init__', lambda self, params, **options: kinds.append(options)
    )
    with pytest.raises(AttributeError):
        build_optim_wrapper(model, config)  # the stand-in has no groups
    assert kinds == [dict(lr=0.1, **({'fused': True} if fusing else {}))]


def test_groups_are_in_order_of_first_appearance():
    groups = [dict(params=[i], lr=lr) for i, lr in enumerate((1, 2, 1))]
    assert merge_groups(groups) == [dict(params=[0, 2], lr=1), dict(params=[1], lr=2)]


def test_options_may_be_lists():
    a, b, c = (nn.Parameter(torch.zeros(1)) for _ in range(3))
    groups = [
        dict(params=[p], betas=betas)
        for p, betas in [(a, [0.9, 0.95]), (b, [0.9, 0.99]), (c, [0.9, 0.95])]
    ]
    assert [len(group['params']) for group in merge_groups(groups)] == [2, 1]
