"""Operators of libraries that have no bfloat16."""

import numpy as np
import pytest
import torch
from torch.autograd import Function

from vitae_mm.engine.optim.bfloat16 import numpy_takes_bfloat16, run_mmcv_operators_in_float32


@pytest.fixture(autouse=True)
def operators():
    ops = pytest.importorskip('mmcv.ops')
    run_mmcv_operators_in_float32()
    return ops


def test_roi_align_equals_that_of_float32(operators):
    features = torch.randn(1, 4, 16, 16).bfloat16()
    rois = torch.tensor([[0.0, 1, 2, 12, 14]])
    align = operators.RoIAlign(7, 1.0, 0)
    half, full = features.clone().requires_grad_(), features.float().requires_grad_()
    outs = align(half, rois.bfloat16()), align(full, rois)
    assert outs[0].dtype == torch.bfloat16
    assert torch.equal(outs[0], outs[1].bfloat16())
    for out in outs:
        out.float().sum().backward()
    assert torch.equal(half.grad, full.grad.bfloat16())


def test_nms_equals_that_of_float32(operators):
    boxes = torch.tensor([[0.0, 0, 8, 8], [0, 0, 8, 9], [9, 9, 12, 12]])
    scores = torch.tensor([0.5, 0.75, 0.25])
    halves = boxes.bfloat16(), scores.bfloat16()
    assert torch.equal(operators.nms(*halves, 0.5)[1], operators.nms(boxes, scores, 0.5)[1])


def test_deformable_convs_equal_those_of_float32(operators):
    conv = operators.ModulatedDeformConv2dPack(4, 4, 3, padding=1)
    x = torch.randn(1, 4, 6, 6).bfloat16()
    with torch.autocast('cpu', torch.bfloat16):
        out = conv(x)
    torch.testing.assert_close(out.float(), conv(x.float()), atol=0.05, rtol=0.05)


def test_every_differentiable_operator_is_adapted(operators):
    functions = [f for f in Function.__subclasses__() if f.__module__.startswith('mmcv.ops.')]
    assert len(functions) > 20
    assert all(hasattr(function.forward, 'func') for function in functions)


def test_other_dtypes_stay_as_they_are(operators):
    features = torch.randn(1, 4, 16, 16, dtype=torch.float64)
    rois = torch.tensor([[0.0, 1, 2, 12, 14]], dtype=torch.float64)
    assert operators.RoIAlign(7, 1.0, 0)(features, rois).dtype == torch.float64


def test_numpy_takes_bfloat16_in_the_context_only():
    x = torch.tensor([1.5, -2]).bfloat16()
    with numpy_takes_bfloat16():
        assert x.numpy().dtype == np.float32 and x.numpy().tolist() == [1.5, -2]
        assert np.asarray(x).tolist() == [1.5, -2]
        with numpy_takes_bfloat16():
            pass
        assert x.numpy().tolist() == [1.5, -2]
        assert torch.tensor([1, 2]).numpy().dtype == np.int64
    with pytest.raises(TypeError, match='BFloat16'):
        x.numpy()
