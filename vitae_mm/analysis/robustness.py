"""Accuracy of a classifier against the strength of attacks and corruptions."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product

from torch import Tensor

from vitae_mm.datasets.stratified_subset import MAX_SEED
from vitae_mm.errors import InputError

from .accuracy import PixelClassifier, is_right
from .attacks import build_attack, is_robust
from .corruptions import STRENGTHS, corrupt
from .samples import Samples


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        attacks: Of :data:`ATTACKS`.
        eps: Largest changes of a pixel, in (0, 1).
        corruptions: Of :data:`CORRUPTIONS`.
        steps: Of PGD.
        restarts: Random starts of PGD.
        seed: Of random starts and noise.
        batch: How many images go through the network at once.

    Raises:
        InputError: If a number is out of range, or nothing is to be measured.
    """

    attacks: tuple[str, ...]
    eps: tuple[float, ...]
    corruptions: tuple[str, ...]
    steps: int = 10
    restarts: int = 1
    seed: int = 0
    batch: int = 50

    def __post_init__(self) -> None:
        for name in ('steps', 'restarts', 'batch'):
            if getattr(self, name) < 1:
                raise InputError(f'{name} {getattr(self, name)}: give a whole number, 1 or more.')
        if not 0 <= self.seed <= MAX_SEED:
            raise InputError(f'seed {self.seed}: give a whole number from 0 to {MAX_SEED}.')
        if self.attacks and not self.eps:
            raise InputError('eps 0 alone is no attack: give one such as 8/255.')
        if not self.attacks and not self.corruptions:
            raise InputError('neither attacks nor corruptions are to be measured: give one.')

    @property
    def strengths(self) -> dict[str, tuple[float, ...]]:
        """Of every attack (eps) and corruption, from 0, which leaves images as
        they are."""
        return {
            **dict.fromkeys(self.attacks, (0, *self.eps)),
            **dict.fromkeys(self.corruptions, (0, *STRENGTHS)),
        }


def measure_robustness(
    classifier: PixelClassifier,
    samples: Samples,
    plan: Plan,
    track: Callable[[list], Iterable] = iter,
) -> dict[str, list[float]]:
    """Accuracies in percent.

    Args:
        track: Goes through a list and shows how far. Defaults to no show.

    Returns:
        By attack and corruption, for each of ``plan.strengths``.
    """
    right = is_right(classifier, samples.images, samples.labels, plan.batch)
    curves = {name: [_percent(right)] for name in plan.strengths}
    jobs = [*product(plan.attacks, plan.eps), *product(plan.corruptions, STRENGTHS)]
    for name, strength in track(jobs):
        if name in plan.attacks:
            attack = build_attack(name, classifier, strength, plan.steps)
            kept = is_robust(attack, samples, right, plan.restarts, plan.seed, plan.batch)
        else:
            images = corrupt(samples.images, name, strength, plan.seed)
            kept = is_right(classifier, images, samples.labels, plan.batch)
        curves[name].append(_percent(kept))
    return curves


def _percent(right: Tensor) -> float:
    return 100 * right.double().mean().item()
