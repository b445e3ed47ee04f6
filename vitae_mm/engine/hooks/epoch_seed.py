"""Seeding each epoch, so that a resumed run equals an uninterrupted one."""

import ctypes
import random
import signal

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from vitae_mm.registry import FUNCTIONS, HOOKS

PR_SET_PDEATHSIG = 1
"""Option of prctl(2): the signal that a process gets when its parent ends."""


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds all random generators at the start of each epoch, from the seed of the run, the
    iteration and the rank.

    A resumed run then ends with the same weights as an uninterrupted one. This requires data
    workers that use :func:`seed_worker` and are not persistent. A run counted in iterations has a
    single epoch; after resuming, it draws different random numbers.
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
    """``worker_init_fn`` that follows the seed of the epoch, and ends the worker with its process.

    Data loaders draw the torch seeds of their workers in the main process; this function derives
    the seeds of NumPy and ``random`` from them.

    A worker that outlives a killed process would wait forever for somebody to read its next batch,
    if this is larger than a pipe, and keep its memory and locks.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    seed = torch.initial_seed() % 2**32
    random.seed(seed)
    np.random.seed(seed)
