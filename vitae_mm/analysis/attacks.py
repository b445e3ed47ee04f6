"""Attacks that look for the worst image within eps of every pixel (l_inf), by torchattacks."""

from decimal import Decimal
from fractions import Fraction
from types import ModuleType
from typing import Any

from vitae_mm.engine.packages import require_package
from vitae_mm.errors import InputError

from .classifiers import PixelClassifier

ATTACKS = ('fgsm', 'pgd')

PATH_LENGTH = 2.5
"""Length of all steps of PGD together, in eps: enough to reach the boundary of the ball from any
start, and to move along it (Madry et al. 2018, Sec. 5)."""


def build_attack(name: str, classifier: PixelClassifier, eps: float, steps: int) -> Any:
    """An attack that raises the cross-entropy of a classifier.

    Args:
        name: 'fgsm', one step along the sign of the gradient (Explaining and Harnessing
            Adversarial Examples, Goodfellow et al. 2015); or 'pgd', projected steps from a random
            start (Towards Deep Learning Models Resistant to Adversarial Attacks, Madry et al.
            2018).
        classifier: The network to attack.
        eps: Largest change of a pixel, in its range [0, 1].
        steps: Steps of PGD, each of 2.5 eps / steps.

    Returns:
        Maps images (B, C, H, W) in [0, 1] and labels (B,) to such images.

    Raises:
        InputError: If torchattacks is missing.
    """
    library = require_torchattacks()
    if name == 'fgsm':
        return library.FGSM(classifier, eps=eps)
    return library.PGD(classifier, eps=eps, alpha=PATH_LENGTH * eps / steps, steps=steps)


def parse_eps(text: str) -> float:
    """'8/255' or '0.03' as a number.

    Raises:
        InputError: If it is not a number, or not in [0, 1).
    """
    numerator, slash, denominator = text.partition('/')
    try:
        eps = Fraction(Decimal(numerator)) / (Fraction(Decimal(denominator)) if slash else 1)
    except (ArithmeticError, ValueError) as error:
        raise InputError(
            f'eps {text!r} is not a number: give a fraction such as 8/255, or a decimal such as '
            '0.03.'
        ) from error
    if eps < 0:
        raise InputError(
            f'eps {text}: the largest change of a pixel is not negative; give {text.lstrip("-")}.'
        )
    if eps >= 1:
        hint = f': {text}/255 is probably meant.' if not slash and eps <= 255 else '.'
        raise InputError(f'eps {text}: pixels range from 0 to 1, and eps is below 1{hint}')
    return float(eps)


def require_torchattacks() -> ModuleType:
    """Imports torchattacks; raises InputError if it is missing."""
    return require_package(
        'torchattacks',
        'attacks need the package torchattacks',
        'pip install --no-deps -r requirements/attacks.txt',
    )
