"""Training in mixed precision on a GPU learns, without infinite values."""

import pytest
import torch
from torch import nn

from vitae_mm.engine.optim import MixedPrecisionOptimWrapper

from ..helpers.archs import FAST, classifier_out_type

STEPS = 30
CLASSES = 10


class Classifier(nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        width = backbone.stages[-1].cells[-1].norm1.normalized_shape[0]
        self.head = nn.Linear(width, CLASSES)

    def forward(self, images):
        return self.head(self.backbone(images)[-1])


@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
@pytest.mark.parametrize('network, arch', FAST)
def test_a_batch_is_learned(network, arch, dtype, device):
    model = Classifier(network(arch, out_type=classifier_out_type(network))).train().to(device)
    images = torch.randn(8, 3, 96, 96, device=device)
    labels = torch.arange(8, device=device)
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=5e-4, fused=True
    )
    wrapper = MixedPrecisionOptimWrapper(optimizer=optimizer, dtype=dtype)
    losses = []
    for _ in range(STEPS):
        with wrapper.optim_context(model):
            logits = model(images)
            loss = nn.functional.cross_entropy(logits.float(), labels)
        assert logits.dtype == getattr(torch, dtype)
        wrapper.update_params(loss)
        losses.append(loss.item())
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert losses[-1] < 0.5 * losses[0], losses
