"""Attacks on networks of every family, and on one that was really trained."""

import sys

import pytest
import torch
from mmengine.config import Config
from torch.nn import functional as F

from vitae_mm.analysis.accuracy import PixelClassifier, is_right
from vitae_mm.analysis.attacks import build_attack, is_robust, parse_eps
from vitae_mm.analysis.samples import Samples
from vitae_mm.backbones import ViTAEv2
from vitae_mm.engine.inference import fuse_for_inference
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError

from ..helpers.archs import NARROW, TWO_STAGES, classifying

MEAN, STD = [120.0, 110.0, 100.0], [60.0, 55.0, 50.0]
SHIFTED = dict(shift_window=True, relative_position=True)
FAMILIES = {
    **{name: (*pair, {}) for name, pair in NARROW.items()},
    'shifted': (ViTAEv2, {**TWO_STAGES, 'depths': (2, 1)}, SHIFTED),
}


def classifier_of(network, arch, bgr=False, classes=4, **options):
    torch.manual_seed(0)
    model = build_model(
        Config(
            dict(
                default_scope='mmpretrain',
                model=dict(
                    type='ImageClassifier',
                    backbone=dict(
                        type=f'vitae_mm.{network.__name__}',
                        arch=arch,
                        out_type=classifying(network),
                        **options,
                    ),
                    head=dict(
                        type='LinearClsHead', num_classes=classes, in_channels=arch['dims'][-1]
                    ),
                    data_preprocessor=dict(mean=MEAN, std=STD, to_rgb=bgr),
                ),
            )
        )
    )
    for module in model.modules():  # as if trained
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
    return PixelClassifier(model, bgr).eval()


def make_samples(count, seed):
    """Noise under a faint pattern for each of four classes."""
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(9))
    labels = torch.arange(count) % 4
    noise = torch.randn(count, 3, 32, 32, generator=generator)
    pixels = 128 + 25 * noise + 12 * F.interpolate(patterns, scale_factor=4)[labels]
    return Samples(pixels.clamp(0, 255).to(torch.uint8), labels)


@pytest.fixture(scope='module')
def trained():
    """A small ViTAEv2 that tells the patterns, and images it has not seen."""
    classifier = classifier_of(ViTAEv2, TWO_STAGES)
    train = make_samples(256, seed=0)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=3e-3)
    classifier.model.backbone.train()
    for step in range(40):
        part = torch.randperm(256)[:32]
        loss = F.cross_entropy(classifier(train.images[part] / 255), train.labels[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return classifier.eval().requires_grad_(False), make_samples(60, seed=1)


def accuracy_under(trained, name, eps, steps=5, restarts=1, seed=0, batch=25):
    classifier, samples = trained
    right = is_right(classifier, samples.images, samples.labels, batch)
    attack = build_attack(name, classifier, eps, steps)
    return is_robust(attack, samples, right, restarts, seed, batch)


@pytest.mark.parametrize('bgr', [False, True])
def test_logits_are_those_of_the_model_itself(bgr):
    classifier = classifier_of(ViTAEv2, TWO_STAGES, bgr)
    images = make_samples(3, seed=0).images
    loaded = images.flip(1) if bgr else images  # as the pipeline gives them
    model = classifier.model
    with torch.no_grad():
        scores = classifier(images / 255).softmax(1)
        predicted = model.predict(**model.data_preprocessor(dict(inputs=list(loaded))))
    torch.testing.assert_close(scores, torch.stack([sample.pred_score for sample in predicted]))


@pytest.mark.parametrize('fused', [False, True], ids=['', 'fused'])
@pytest.mark.parametrize('network, arch, options', FAMILIES.values(), ids=FAMILIES)
def test_gradients_of_pixels_are_finite_differences(network, arch, options, fused):
    classifier = classifier_of(network, arch, **options).requires_grad_(False)
    if fused:
        fuse_for_inference(classifier.model)
    pixels = torch.rand(2, 3, 64, 64, dtype=torch.float64)
    labels = torch.tensor([0, 3])

    images = pixels.float().requires_grad_()
    (ours,) = torch.autograd.grad(F.cross_entropy(classifier(images), labels), images)
    assert ours.isfinite().all() and ours.abs().amax(dim=(1, 2, 3)).min() > 0

    # what attacks see, against the slope of the loss in double precision
    model = classifier.model.double()
    mean, std = (torch.tensor(values, dtype=torch.float64).view(3, 1, 1) for values in (MEAN, STD))

    def loss(values):
        return F.cross_entropy(model((255 * values - mean) / std, mode='tensor'), labels)

    images = pixels.clone().requires_grad_()
    (exact,) = torch.autograd.grad(loss(images), images)
    direction = torch.randn(pixels.shape, dtype=torch.float64)
    step = 1e-6 * direction
    slope = (loss(pixels + step) - loss(pixels - step)) / 2e-6
    assert slope.item() == pytest.approx((exact * direction).sum().item(), rel=1e-5)
    torch.testing.assert_close(
        ours.double(), exact, rtol=1e-2, atol=1e-3 * exact.abs().max().item()
    )


@pytest.mark.parametrize('name', ['fgsm', 'pgd'])
def test_attacks_stay_within_eps_and_the_range_of_pixels(trained, name):
    classifier, _ = trained
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(8, 3, 32, 32, generator=generator)
    images[:4] = images[:4].round()  # at the ends of the range
    attacked = build_attack(name, classifier, 8 / 255, 5)(images, torch.arange(8) % 4)
    change = (attacked - images).abs()
    assert 0.9 * 8 / 255 < change.max() <= 8 / 255 + 1e-6
    assert attacked.min() >= 0 and attacked.max() <= 1


def test_attacks_fool_a_trained_network(trained):
    classifier, samples = trained
    clean = is_right(classifier, samples.images, samples.labels, 25)
    assert clean.float().mean() > 0.9
    fgsm, pgd = (accuracy_under(trained, name, 8 / 255) for name in ('fgsm', 'pgd'))
    assert pgd.sum() <= fgsm.sum() < 0.7 * clean.sum()
    assert pgd.sum() < 0.3 * clean.sum()
    # and random changes of the same size do not
    noise = torch.randint(-8, 9, samples.images.shape)
    noisy = (samples.images + noise).clamp(0, 255).to(torch.uint8)
    assert is_right(classifier, noisy, samples.labels, 25).sum() > 0.9 * clean.sum()


def test_what_is_wrong_stays_wrong(trained):
    classifier, samples = trained
    attack = build_attack('fgsm', classifier, 0.0, 1)
    right = torch.arange(len(samples)) % 2 == 0
    assert not is_robust(attack, samples, right, 1, 0, 25)[1::2].any()
    assert not is_robust(attack, samples, torch.zeros_like(right), 1, 0, 25).any()


def test_more_restarts_find_at_least_as_much(trained):
    eps = 3 / 255
    once, thrice = (accuracy_under(trained, 'pgd', eps, 1, restarts) for restarts in (1, 3))
    assert not (thrice & ~once).any()
    # a single step from one start misses some that others find
    assert thrice.sum() < once.sum()


def test_a_seed_repeats_the_starts_and_leaves_other_random_numbers(trained):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = accuracy_under(trained, 'pgd', 2 / 255, 1)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first, accuracy_under(trained, 'pgd', 2 / 255, 1))
    others = [accuracy_under(trained, 'pgd', 3 / 255, 1, seed=seed) for seed in range(4)]
    assert any(not torch.equal(others[0], other) for other in others[1:])


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
        ('300/255', 'eps is below 1'),
        ('-2/255', 'give 2/255'),
        ('-0.1', 'give 0.1'),
        ('eight', 'such as 8/255'),
        ('1/0', 'is no number'),
        ('nan', 'is no number'),
        ('inf', 'is no number'),
        ('8/', 'is no number'),
        ('1/2/3', 'is no number'),
        ('__import__("os")', 'is no number'),
    ],
)
def test_other_eps_are_refused_with_a_remedy(text, words):
    with pytest.raises(InputError, match=words):
        parse_eps(text)


def test_the_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'torchattacks', None)
    with pytest.raises(InputError, match='need the package torchattacks .* --no-deps'):
        build_attack('fgsm', None, 0.1, 1)
