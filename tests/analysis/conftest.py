import pytest
import torch
from torch.nn import functional as F

from vitae_mm.backbones import ViTAEv2

from ..helpers.archs import TWO_STAGES
from .patterns import make_classifier, make_samples


@pytest.fixture(scope='package')
def trained():
    """A small ViTAEv2 that recognizes the patterns, and images it has not seen."""
    classifier = make_classifier(ViTAEv2, TWO_STAGES).requires_grad_()
    train = make_samples(256, seed=0)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=3e-3)
    classifier.model.backbone.train()
    for _ in range(40):
        part = torch.randperm(256)[:32]
        loss = F.cross_entropy(classifier(train.images[part] / 255), train.labels[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return classifier.eval().requires_grad_(False), make_samples(60, seed=1)
