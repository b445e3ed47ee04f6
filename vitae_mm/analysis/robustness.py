"""Accuracy of a classifier by strength of attacks and corruptions."""

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
    """Seeds PyTorch's random numbers with these non-negative integers, and restores the state of
    the generator afterwards."""
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
    """Measures accuracies in percent.

    Args:
        classifier: The classifier to measure.
        samples: Its test images.
        strengths: Values of eps by attack, and strengths by corruption; 0 leaves images unchanged.
        steps: Number of PGD's steps. Defaults to 10.
        restarts: Number of PGD's random starts. Defaults to 1.
        seed: Seed of random starts and noise. Defaults to 0.
        batch: Number of images that go through the network at once. Defaults to 50.
        track: Iterates over a list and shows progress. Defaults to showing none.

    Returns:
        Accuracies at each strength, by attack or corruption.
    """
    right = is_right(classifier, samples, batch)
    jobs = [(name, strength) for name, values in strengths.items() for strength in values]
    accuracies: dict[str, list[float]] = {name: [] for name in strengths}
    for name, strength in track(jobs):
        kept = right
        if strength and name in ATTACKS:
            attack = build_attack(name, classifier, eps=strength, steps=steps)
            kept = is_robust(attack, samples, right, restarts=restarts, seed=seed, batch=batch)
        elif strength:
            with seeded(seed):
                images = corrupt(samples.images, name, int(strength))
            kept = is_right(classifier, samples._replace(images=images), batch)
        accuracies[name].append(100 * kept.double().mean().item())
    return accuracies


def is_robust(
    attack: Any, samples: Samples, right: Tensor, *, restarts: int, seed: int, batch: int
) -> Tensor:
    """Tells which images stay classified correctly from every start of an attack.

    Args:
        attack: From :func:`build_attack`.
        samples: The images to attack.
        right: Which images are classified correctly without attack, (N,) bool. The others are not
            attacked: an unchanged image is within eps, too.
        restarts: Number of random starts; attacks without random start run once.
        seed: Seed of the random starts; fewer restarts give the first of more.
        batch: Number of images that go through the network at once.

    Returns:
        (N,) bool.
    """
    right = right.clone()
    for restart in range(restarts if getattr(attack, 'random_start', False) else 1):
        with seeded(seed, restart):
            # splitting an empty tensor gives one part
            for indices in right.nonzero()[:, 0].split(batch) if right.any() else ():
                labels = samples.labels[indices]
                attacked = attack(samples.images[indices].to(attack.device) / 255, labels)
                with torch.no_grad():
                    right[indices] = attack.model(attacked).argmax(1).cpu() == labels
    return right
