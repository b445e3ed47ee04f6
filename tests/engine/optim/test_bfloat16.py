import pytest
import torch
from mmcv.ops import RoIAlign, nms
from torch import nn

from vitae_mm.engine.optim import BFloat16OptimWrapper


@pytest.fixture
def wrapper():
    model = nn.Linear(2, 2)
    return BFloat16OptimWrapper(optimizer=torch.optim.SGD(model.parameters(), lr=0.1)), model


def test_the_step_runs_in_bfloat16(wrapper):
    optim_wrapper, model = wrapper
    with optim_wrapper.optim_context(model):
        out = model(torch.rand(3, 2))
    assert out.dtype == torch.bfloat16
    optim_wrapper.update_params(out.float().sum())
    assert model.weight.dtype == torch.float32


def test_operators_of_mmcv_accept_bfloat16(wrapper):
    features = torch.randn(1, 4, 16, 16).bfloat16()
    rois = torch.tensor([[0.0, 1, 2, 12, 14]])
    align = RoIAlign(7, 1.0, 0)
    half, full = features.clone().requires_grad_(), features.float().requires_grad_()
    outs = align(half, rois.bfloat16()), align(full, rois)
    assert outs[0].dtype == torch.bfloat16
    assert torch.equal(outs[0], outs[1].bfloat16())
    for out in outs:
        out.float().sum().backward()
    assert torch.equal(half.grad, full.grad.bfloat16())
    boxes = torch.tensor([[0.0, 0, 8, 8], [0, 0, 8, 9], [9, 9, 12, 12]])
    scores = torch.tensor([0.5, 0.75, 0.25])
    assert torch.equal(nms(boxes.bfloat16(), scores.bfloat16(), 0.5)[1], nms(boxes, scores, 0.5)[1])
