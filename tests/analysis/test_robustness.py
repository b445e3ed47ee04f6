"""Robustness of a trained network to attacks."""

import torch

from vitae_mm.analysis.attacks import build_attack
from vitae_mm.analysis.classifiers import is_right
from vitae_mm.analysis.robustness import is_robust, seeded


def robust_under(trained, name, eps, steps=5, restarts=1, seed=0, batch=25):
    classifier, samples = trained
    right = is_right(classifier, samples, batch)
    attack = build_attack(name, classifier, eps, steps)
    return is_robust(attack, samples, right, restarts=restarts, seed=seed, batch=batch)


def test_attacks_fool_a_trained_network(trained):
    classifier, samples = trained
    clean = is_right(classifier, samples, 25)
    assert clean.float().mean() > 0.9
    fgsm, pgd = (robust_under(trained, name, 8 / 255) for name in ('fgsm', 'pgd'))
    assert pgd.sum() <= fgsm.sum() < 0.7 * clean.sum()
    assert pgd.sum() < 0.3 * clean.sum()
    # random changes of the same size do not fool it
    noise = torch.randint(-8, 9, samples.images.shape)
    noisy = (samples.images + noise).clamp(0, 255).to(torch.uint8)
    assert is_right(classifier, samples._replace(images=noisy), 25).sum() > 0.9 * clean.sum()


def test_misclassified_images_are_not_robust(trained):
    classifier, samples = trained
    attack = build_attack('fgsm', classifier, 0.0, 1)
    options = dict(restarts=1, seed=0, batch=25)
    right = torch.arange(len(samples.labels)) % 2 == 0
    assert not is_robust(attack, samples, right, **options)[1::2].any()
    assert not is_robust(attack, samples, torch.zeros_like(right), **options).any()


def test_more_restarts_fool_the_network_on_more_images(trained):
    once, thrice = (
        torch.cat([robust_under(trained, 'pgd', eps / 255, 1, restarts) for eps in (2, 3, 4, 5)])
        for restarts in (1, 3)
    )
    assert not (thrice & ~once).any()
    # a single step from one start misses some images that other starts fool
    assert thrice.sum() < once.sum()


def test_a_seed_fixes_the_starts_and_keeps_the_random_state(trained):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = robust_under(trained, 'pgd', 2 / 255, 1)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first, robust_under(trained, 'pgd', 2 / 255, 1))
    others = [robust_under(trained, 'pgd', 3 / 255, 1, seed=seed) for seed in range(4)]
    assert any(not torch.equal(others[0], other) for other in others[1:])


def test_seeded_fixes_the_numbers_inside_and_restores_the_random_state():
    def draw(*numbers):
        with seeded(*numbers):
            return torch.rand(3)

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    inside = draw(1, 2)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(draw(1, 2), inside)
    assert not any(torch.equal(draw(*other), inside) for other in ((1,), (1, 3), (2, 1)))
