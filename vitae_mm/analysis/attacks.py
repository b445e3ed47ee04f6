"""Accuracy under attack: the worst images within eps of every pixel (l_inf)."""

from decimal import Decimal
from fractions import Fraction
from types import ModuleType
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vitae_mm.engine.packages import require_package
from vitae_mm.errors import InputError

from .accuracy import PixelClassifier, to_pixels
from .samples import Samples
from .seeding import seeded

if TYPE_CHECKING:
    from torchattacks.attack import Attack

ATTACKS = ('fgsm', 'pgd')

STRIDE = 2.5
"""Length of all steps of PGD together, in eps: enough to reach the rim of the
ball from any start, and to move along it (Madry et al. 2018, Sec. 5)."""


def build_attack(name: str, classifier: PixelClassifier, eps: float, steps: int) -> 'Attack':
    """An attack that raises the cross-entropy of a classifier.

    Args:
        name: 'fgsm', one step along the sign of the gradient (Explaining and
            Harnessing Adversarial Examples, Goodfellow et al. 2015); or
            'pgd', projected steps from a random start (Towards Deep Learning
            Models Resistant to Adversarial Attacks, Madry et al. 2018).
        classifier: What is attacked.
        eps: Largest change of a pixel, in its range [0, 1].
        steps: Of PGD, each of 2.5 eps / steps.

    Returns:
        Takes images (B, C, H, W) in [0, 1] and labels (B, ), and gives such
        images.

    Raises:
        InputError: If torchattacks is missing.
    """
    library = require_torchattacks()
    if name == 'fgsm':
        return library.FGSM(classifier, eps=eps)
    return library.PGD(classifier, eps=eps, alpha=STRIDE * eps / steps, steps=steps)


def is_robust(
    attack: 'Attack', samples: Samples, right: Tensor, restarts: int, seed: int, batch: int
) -> Tensor:
    """Which images stay classified rightly from every start of an attack.

    Args:
        attack: Of :func:`build_attack`.
        right: Which are classified rightly without it, (N, ) bool. The others
            are not attacked: no change at all is within eps too.
        restarts: Random starts; an attack without one is run once.
        seed: Of the random starts; the first few are those of fewer restarts.
        batch: How many go through the network at once.

    Returns:
        (N, ) bool.
    """
    right = right.clone()
    for restart in range(restarts if getattr(attack, 'random_start', False) else 1):
        standing = right.nonzero()[:, 0]
        if not len(standing):  # a split of nothing has one part
            break
        with seeded(seed, restart):
            for indices in standing.split(batch):
                images = to_pixels(samples.images[indices], attack.model.device)
                labels = samples.labels[indices]
                attacked = attack(images, labels)
                with torch.no_grad():
                    right[indices] = attack.model(attacked).argmax(1).cpu() == labels
    return right


def parse_eps(text: str) -> float:
    """'8/255' or '0.03' as a number.

    Raises:
        InputError: If it is none, negative, or not below 1.
    """
    numerator, slash, denominator = text.partition('/')
    try:
        eps = Fraction(Decimal(numerator)) / (Fraction(Decimal(denominator)) if slash else 1)
    except (ArithmeticError, ValueError) as error:
        raise InputError(
            f'eps {text!r} is no number: give a fraction such as 8/255, or a decimal such as 0.03.'
        ) from error
    if eps < 0:
        raise InputError(
            f'eps {text}: the largest change of a pixel is not negative; give {text.lstrip("-")}.'
        )
    if eps >= 1:
        meant = f': {text}/255 is probably meant.' if not slash and eps <= 255 else '.'
        raise InputError(f'eps {text}: pixels range from 0 to 1, and eps is below 1{meant}')
    return float(eps)


def require_torchattacks() -> ModuleType:
    """torchattacks.

    Raises:
        InputError: If it is missing.
    """
    return require_package(
        'torchattacks',
        'attacks need the package torchattacks',
        'pip install --no-deps -r requirements/attacks.txt',
    )
