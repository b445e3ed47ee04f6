"""Accuracy of a classifier over the strength of attacks and corruptions."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .attacks import ATTACKS, build_attack
from .classifiers import PixelClassifier, Samples, is_right
from .corruptions import corrupt


@contextmanager
def seeded(*numbers: int) -> Iterator[None]:
    """Makes PyTorch's random numbers inside depend on these non-negative integers alone, and
    leaves those outside as if nothing had been drawn."""
    seed = np.random.SeedSequence(numbers).generate_state(1)[0]
    with torch.random.fork_rng():
        torch.manual_seed(int(seed))
        yield


def measure_robustness(
    classifier: PixelClassifier,
    samples: Samples,
    strengths: Mapping[str, Sequence[float]],
    *,
    steps: int = 10,
    restarts: int = 1,
    seed: int = 0,
    batch: int = 50,
    track: Callable[[list], Iterable] = iter,
) -> dict[str, list[float]]:
    """Accuracies in percent.

    Args:
        classifier: What is measured.
        samples: What it is tested on.
        strengths: By attack, eps, and by corruption, strengths; 0 leaves images unchanged.
        steps: Steps of PGD. Defaults to 10.
        restarts: Random starts of PGD. Defaults to 1.
        seed: Seed of random starts and noise. Defaults to 0.
        batch: Number of images that go through the network at once. Defaults to 50.
        track: Iterates over a list and shows progress. Defaults to none.

    Returns:
        By attack or corruption, for each of its strengths.
    """
    right = is_right(classifier, *samples, batch)
    jobs = [(name, strength) for name, values in strengths.items() for strength in values]
    accuracies: dict[str, list[float]] = {name: [] for name in strengths}
    for name, strength in track(jobs):
        kept = right
        if strength and name in ATTACKS:
            attack = build_attack(name, classifier, strength, steps)
            kept = is_robust(attack, samples, right, restarts=restarts, seed=seed, batch=batch)
        elif strength:
            with seeded(seed):
                images = corrupt(samples.images, name, int(strength))
            kept = is_right(classifier, images, samples.labels, batch)
        accuracies[name].append(100 * kept.double().mean().item())
    return accuracies


def is_robust(
    attack: Any, samples: Samples, right: Tensor, *, restarts: int, seed: int, batch: int
) -> Tensor:
    """Which images stay classified correctly from every start of an attack.

    Args:
        attack: From :func:`build_attack`.
        samples: What is attacked.
        right: Which are classified correctly without it, (N,) bool. The others are not attacked:
            no change at all is within eps too.
        restarts: Random starts; an attack without one is run once.
        seed: Seed of the random starts; with fewer restarts, they are the first of more.
        batch: Number of images that go through the network at once.

    Returns:
        (N,) bool.
    """
    right = right.clone()
    for restart in range(restarts if getattr(attack, 'random_start', False) else 1):
        with seeded(seed, restart):
            # a split of nothing has one part
            for indices in right.nonzero()[:, 0].split(batch) if right.any() else ():
                labels = samples.labels[indices]
                attacked = attack(samples.images[indices].to(attack.device) / 255, labels)
                with torch.no_grad():
                    right[indices] = attack.model(attacked).argmax(1).cpu() == labels
    return right
