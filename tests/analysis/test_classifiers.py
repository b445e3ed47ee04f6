"""Logits and gradients of pixel classifiers."""

import pytest
import torch
from torch.nn import functional as F

from vitae_mm.backbones import ViTAEv2
from vitae_mm.engine.fusion import fuse_for_inference

from ..helpers.archs import NARROW, TWO_STAGES
from .patterns import MEAN, STD, make_classifier, make_samples

SHIFTED = dict(shift_window=True, relative_position=True)
FAMILIES = {
    **{name: (*pair, {}) for name, pair in NARROW.items()},
    'shifted': (ViTAEv2, {**TWO_STAGES, 'depths': (2, 1)}, SHIFTED),
}


@pytest.mark.parametrize('bgr', [False, True])
def test_logits_equal_those_of_the_model(bgr):
    classifier = make_classifier(ViTAEv2, TWO_STAGES, bgr)
    images = make_samples(3, seed=0).images
    loaded = images.flip(1) if bgr else images  # in the order of the pipeline
    model = classifier.model
    with torch.no_grad():
        scores = classifier(images / 255).softmax(1)
        predicted = model.predict(**model.data_preprocessor(dict(inputs=list(loaded))))
    torch.testing.assert_close(scores, torch.stack([sample.pred_score for sample in predicted]))


@pytest.mark.parametrize('fused', [False, True], ids=['', 'fused'])
@pytest.mark.parametrize('network, arch, options', FAMILIES.values(), ids=FAMILIES)
def test_pixel_gradients_match_finite_differences(network, arch, options, fused):
    classifier = make_classifier(network, arch, **options)
    if fused:
        fuse_for_inference(classifier.model)
    pixels = torch.rand(2, 3, 64, 64, dtype=torch.float64)
    labels = torch.tensor([0, 3])

    images = pixels.float().requires_grad_()
    (ours,) = torch.autograd.grad(F.cross_entropy(classifier(images), labels), images)
    assert ours.isfinite().all() and ours.abs().amax(dim=(1, 2, 3)).min() > 0

    # compare the gradients of attacks with the slope of the loss in double precision
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
