"""Attacks that change every pixel by at most eps (l_inf), from torchattacks."""

import math
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from vitae_mm.engine.packages import require_package
from vitae_mm.errors import InputError

from .classifiers import PixelClassifier

ATTACKS = ('fgsm', 'pgd')

PATH_LENGTH = 2.5
"""Total length of PGD's steps in units of eps, enough to reach the boundary of the ball from any
start and to move along it (Madry et al. 2018, Sec. 5)."""


def build_attack(name: str, classifier: PixelClassifier, eps: float, steps: int) -> Any:
    """Builds an attack that raises the cross-entropy of a classifier.

    Args:
        name: 'fgsm', one step along the sign of the gradient (Explaining and Harnessing
            Adversarial Examples, Goodfellow et al. 2015); or 'pgd', projected steps from a random
            start (Towards Deep Learning Models Resistant to Adversarial Attacks, Madry et al.
            2018).
        classifier: The network to attack.
        eps: Largest change of a pixel, whose range is [0, 1].
        steps: Number of PGD's steps, each of length 2.5 eps / steps.

    Returns:
        A function of images (B, C, H, W) in [0, 1] and labels (B,), which returns attacked images.

    Raises:
        InputError: If torchattacks is missing.
    """
    library = require_torchattacks()
    if name == 'fgsm':
        return library.FGSM(classifier, eps=eps)
    return library.PGD(classifier, eps=eps, alpha=PATH_LENGTH * eps / steps, steps=steps)


def parse_eps(text: str) -> float:
    """Parses a number such as '8/255' or '0.03'.

    Raises:
        InputError: If it is not a number, or not in [0, 1).
    """
    numerator, slash, denominator = text.partition('/')
    try:
        eps = float(numerator) / float(denominator if slash else 1)
    except (ValueError, ZeroDivisionError):
        eps = math.nan
    if not math.isfinite(eps):
        raise InputError(
            f'eps {text!r} is not a number: give a fraction such as 8/255 or a decimal such as '
            '0.03.'
        )
    if eps < 0:
        raise InputError(
            f'eps {text}: the largest change of a pixel cannot be negative; give '
            f'{text.lstrip("-")}.'
        )
    if eps >= 1:
        hint = f': {text}/255 is probably meant.' if not slash and eps <= 255 else '.'
        raise InputError(f'eps {text}: pixels range from 0 to 1, and eps must be below 1{hint}')
    return eps


def require_torchattacks() -> ModuleType:
    """Imports torchattacks; raises InputError if it is missing."""
    return require_package(
        'torchattacks',
        'attacks need the package torchattacks',
        'pip install --no-deps -r requirements/attacks.txt',
    )


def parse_all_eps(texts: Iterable[str], needed: bool = True) -> list[float]:
    """Parses several numbers as :func:`parse_eps`, sorted and without 0.

    Raises:
        InputError: If one cannot be parsed, or all are 0 although one is ``needed``.
    """
    found = sorted(set(map(parse_eps, texts)) - {0})
    if needed and not found:
        raise InputError('--eps 0 alone is not an attack: give a larger one, such as 8/255.')
    return found
