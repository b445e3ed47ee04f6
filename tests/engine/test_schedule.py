import time
import warnings

import pytest
import torch
from mmengine.optim import (
    CosineAnnealingLR,
    CosineAnnealingMomentum,
    LinearLR,
    MultiStepLR,
    OptimWrapper,
    PolyLR,
    StepLR,
)
from mmengine.optim.scheduler import CosineRestartLR, OneCycleLR

from vitae_mm.engine.schedule import advance, learning_rates

LENGTH = 7
"""Iterations of an epoch."""


def warm_up(optimizer, **options):
    return LinearLR(optimizer, start_factor=0.1, by_epoch=False, end=10, **options)


SCHEDULES = dict(
    cosine=lambda optimizer: [
        warm_up(optimizer),
        CosineAnnealingLR(optimizer, T_max=8, begin=2, end=10, eta_min=1e-5),
    ],
    steps=lambda optimizer: [
        warm_up(optimizer, verbose=True),
        MultiStepLR(optimizer, milestones=[3, 6], gamma=0.1),
    ],
    iterations=lambda optimizer: [
        warm_up(optimizer),
        PolyLR(optimizer, power=0.9, begin=10, end=70, by_epoch=False),
    ],
    restarts=lambda optimizer: [
        CosineRestartLR(optimizer, periods=[3, 7], restart_weights=[1, 0.5], eta_min_ratio=0.1)
    ],
    one_cycle=lambda optimizer: [
        OneCycleLR(optimizer, eta_max=0.5, total_steps=70, by_epoch=False)
    ],
    momentum=lambda optimizer: [
        StepLR(optimizer, step_size=2),
        CosineAnnealingMomentum(optimizer, T_max=10, eta_min=0.5),
    ],
)


def make_optimizer(groups=5):
    return OptimWrapper(
        torch.optim.AdamW(
            [
                dict(params=[torch.nn.Parameter(torch.zeros(2))], lr=0.1 / (1 + index // 2))
                for index in range(groups)
            ],
            lr=0.1,
        )
    )


def train(optimizer, schedulers, iters, length=LENGTH):
    """Steps optimizer and schedulers as in training and returns the rates."""
    rates = []
    for step in range(1, iters + 1):
        rates.append(max(optimizer.get_lr()['lr']))
        optimizer.step()
        for scheduler in schedulers:
            if not scheduler.by_epoch:
                scheduler.step()
        for scheduler in schedulers:
            if scheduler.by_epoch and length and step % length == 0:
                scheduler.step()
    return rates


def options(optimizer):
    return [{k: v for k, v in g.items() if k != 'params'} for g in optimizer.param_groups]


@pytest.fixture(params=SCHEDULES)
def schedule(request):
    return SCHEDULES[request.param]


def test_the_rates_are_those_of_training(schedule):
    optimizer, trained = make_optimizer(), make_optimizer()
    schedulers = schedule(optimizer)
    before = options(optimizer), [scheduler.state_dict() for scheduler in schedulers]
    rates = list(learning_rates(optimizer, schedulers, iters=70, epoch_length=LENGTH))
    assert rates == train(trained, schedule(trained), iters=70)
    assert before == (options(optimizer), [scheduler.state_dict() for scheduler in schedulers])


def test_advanced_schedulers_equal_those_of_training_and_go_on_as_they(schedule):
    optimizer, trained = make_optimizer(), make_optimizer()
    schedulers, in_training = schedule(optimizer), schedule(trained)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        advance(optimizer, schedulers, iters=30, epoch_length=LENGTH)
    train(trained, in_training, iters=30)
    for mine, other in zip(schedulers, in_training, strict=True):
        assert mine.state_dict() == other.state_dict()
    assert options(optimizer) == options(trained)
    assert train(optimizer, schedulers, 12) == train(trained, in_training, 12)
    assert options(optimizer) == options(trained)


def test_schedulers_that_count_epochs_stand_still_in_runs_counted_in_iterations():
    optimizer = make_optimizer()
    schedulers = SCHEDULES['steps'](optimizer)
    rates = list(learning_rates(optimizer, schedulers, iters=70, epoch_length=None))
    assert rates[-1] == rates[10] == pytest.approx(0.1)


def test_a_scheduler_of_others_sees_each_group():
    class PerGroup(StepLR):
        def _get_value(self):
            return [
                group['lr'] * factor
                for group, factor in zip(self.optimizer.param_groups, range(1, 7), strict=True)
            ]

    optimizer, trained = make_optimizer(), make_optimizer()
    advance(optimizer, [PerGroup(optimizer, step_size=1)], iters=LENGTH, epoch_length=LENGTH)
    train(trained, [PerGroup(trained, step_size=1)], LENGTH)
    assert options(optimizer) == options(trained)


def test_many_groups_and_iterations_take_seconds():
    optimizer = make_optimizer(300)
    for group in optimizer.param_groups:
        group['lr'] = 0.1
    schedulers = [
        warm_up(optimizer),
        PolyLR(optimizer, power=0.9, begin=10, end=160_000, by_epoch=False),
    ]
    start = time.perf_counter()
    *_, last = learning_rates(optimizer, schedulers, iters=160_000, epoch_length=None)
    assert last < 1e-5 and time.perf_counter() - start < 5
