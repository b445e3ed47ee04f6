import random
from types import SimpleNamespace

import numpy as np
import torch

from vitae_mm.engine.hooks import EpochSeedHook, seed_worker


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_the_seed_of_an_epoch_does_not_depend_on_earlier_epochs():
    hook, drawn = EpochSeedHook(), []
    for epoch in (0, 1, 1):
        hook.before_train_epoch(SimpleNamespace(seed=7, iter=10 * epoch))
        drawn.append(draw())
    assert drawn[0] != drawn[1] == drawn[2]


def test_workers_follow_the_seed_of_torch():
    drawn = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        seed_worker(0)
        drawn.append(draw())
    assert drawn[0] == drawn[1] != drawn[2]
