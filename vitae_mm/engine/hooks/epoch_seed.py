import random

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from vitae_mm.registry import FUNCTIONS, HOOKS


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds all generators anew at each epoch, from the run's seed, the
    iteration and the rank.

    An epoch then does not depend on how the run came to it: one that was
    killed and resumed ends with the same weights as one that never was. Data
    workers take their seeds from :func:`seed_worker`; they must not be
    persistent for that. (A run counted in iterations has one epoch: when
    resumed it draws fresh numbers.)
    """

    priority = 'HIGHEST'

    def before_train_epoch(self, runner: Runner) -> None:
        sequence = np.random.SeedSequence([runner.seed, runner.iter, get_rank()])
        seed = int(sequence.generate_state(1)[0])
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)


@FUNCTIONS.register_module()
def seed_worker(worker_id: int) -> None:
    """``worker_init_fn`` that follows the epoch's seed.

    A data loader gives its workers a torch seed drawn from the main process;
    NumPy and ``random``, which augmentations use, follow it here.
    """
    seed = torch.initial_seed() % 2**32
    random.seed(seed)
    np.random.seed(seed)
