"""Random choices that a seed decides."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(*numbers: int) -> Iterator[None]:
    """Inside, torch's random numbers depend on these whole numbers alone, 0 or
    more; outside they go on as if nothing had been drawn."""
    seed = np.random.SeedSequence(numbers).generate_state(1)[0]
    with torch.random.fork_rng():
        torch.manual_seed(int(seed))
        yield


def choose(total: int, count: int, seed: int) -> list[int]:
    """``count`` different numbers below ``total``, all if there are not so many;
    with the same seed, fewer are the first of more."""
    # RandomState and not default_rng: NumPy promises that its numbers never change
    return np.random.RandomState(seed).permutation(total)[:count].tolist()
