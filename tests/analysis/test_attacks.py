"""Attacks, and the text that gives their strength."""

import sys

import pytest
import torch

from vitae_mm.analysis.attacks import build_attack, parse_eps
from vitae_mm.errors import InputError


@pytest.mark.parametrize('name', ['fgsm', 'pgd'])
def test_attacks_stay_within_eps_and_the_pixel_range(trained, name):
    classifier, _ = trained
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(8, 3, 32, 32, generator=generator)
    images[:4] = images[:4].round()  # at the limits of the range
    attacked = build_attack(name, classifier, 8 / 255, 5)(images, torch.arange(8) % 4)
    change = (attacked - images).abs()
    assert 0.9 * 8 / 255 < change.max() <= 8 / 255 + 1e-6
    assert attacked.min() >= 0 and attacked.max() <= 1


@pytest.mark.parametrize(
    'text, eps',
    [('8/255', 8 / 255), ('0.03', 0.03), ('.5/255', 0.5 / 255), ('1e-3', 0.001), ('0', 0.0)],
)
def test_eps_is_a_fraction_or_a_decimal(text, eps):
    assert parse_eps(text) == eps


@pytest.mark.parametrize(
    'text, words',
    [
        ('8', '8/255 is probably meant'),
        ('1', '1/255 is probably meant'),
        ('1.5', '1.5/255 is probably meant'),
        ('300/255', 'eps must be below 1'),
        ('-2/255', 'give 2/255'),
        ('-0.1', 'give 0.1'),
        ('eight', 'such as 8/255'),
        ('1/0', 'is not a number'),
        ('nan', 'is not a number'),
        ('inf', 'is not a number'),
        ('8/', 'is not a number'),
        ('1/2/3', 'is not a number'),
        ('__import__("os")', 'is not a number'),
    ],
)
def test_invalid_eps_is_rejected_with_a_remedy(text, words):
    with pytest.raises(InputError, match=words):
        parse_eps(text)


def test_a_missing_library_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, 'torchattacks', None)
    with pytest.raises(InputError, match='need the package torchattacks .* --no-deps'):
        build_attack('fgsm', None, 0.1, 1)
