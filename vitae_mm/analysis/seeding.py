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
