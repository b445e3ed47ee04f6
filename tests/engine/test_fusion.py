"""Fused and compiled networks give the same outputs."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from vitae_mm.compat import compile_module
from vitae_mm.engine.fusion import fuse_for_inference

from ..helpers.archs import FAST, NARROW, classifier_out_type


def trained(network, arch, **options):
    """A network whose batch norms are not the identity."""
    torch.manual_seed(0)
    model = network(arch, **options)
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 2.0)
            torch.nn.init.normal_(module.weight, 1.0, 0.2)
            torch.nn.init.normal_(module.bias, 0.0, 0.2)
    return model.eval()


def assert_close(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).abs().max() <= 1e-4 * b.abs().max()


@pytest.mark.parametrize('size', [(224, 224), (75, 131)], ids=str)
@pytest.mark.parametrize('network, arch', [*NARROW.values(), *FAST])
@torch.no_grad()
def test_fused_networks_give_the_same_outputs(network, arch, size):
    model = trained(
        network,
        arch,
        out_type=classifier_out_type(network) if arch in ('small', 'tiny') else 'featmap',
    )
    images = torch.randn(2, 3, *size)
    fused = fuse_for_inference(copy.deepcopy(model))
    assert_close(fused(images), model(images))
    assert not any(isinstance(module, _BatchNorm) for module in fused.modules())


@pytest.mark.parametrize(
    'groups, out, paired', [(4, 16, 2), (2, 8, 1), (1, 4, 1), (3, 12, 3), (4, 32, 4), (16, 16, 16)]
)
@torch.no_grad()
def test_narrow_groups_are_paired(groups, out, paired):
    conv = torch.nn.Conv2d(6 * groups, out, 3, 2, 1, groups=groups)
    images = torch.randn(2, 6 * groups, 9, 7)
    expected = conv(images)
    assert fuse_for_inference(copy.deepcopy(conv), pair_groups=False).groups == groups
    fused = fuse_for_inference(copy.deepcopy(conv))
    assert fused.groups == paired and fused.weight.shape[0] == out
    assert_close([fused(images)], [expected])


@pytest.mark.slow
@pytest.mark.parametrize('network, arch', NARROW.values(), ids=NARROW)
@torch.no_grad()
def test_compiled_networks_give_the_same_outputs(network, arch):
    model = trained(network, arch)
    fused = fuse_for_inference(copy.deepcopy(model))
    compile_module(fused, dynamic=False)
    for size in ((64, 64), (64, 96)):
        images = torch.randn(2, 3, *size)
        assert_close(fused(images), model(images))


@pytest.mark.slow
@pytest.mark.parametrize('dynamic', [False, True])
@pytest.mark.parametrize('network, arch', NARROW.values(), ids=NARROW)
def test_networks_compile_to_one_graph(network, arch, dynamic):
    torch.compiler.reset()
    model = trained(network, arch).train()
    compiled = copy.deepcopy(model)
    compile_module(compiled, backend='eager', fullgraph=True, dynamic=dynamic)
    for size in ((64, 64), (75, 131)):
        images = torch.randn(2, 3, *size)
        outputs = []
        for kind in (compiled, model):
            torch.manual_seed(0)  # for the dropout in Performers
            outputs.append(kind(images))
        assert_close(*outputs)


@torch.no_grad()
def test_a_conv_shared_by_several_norms_is_fused_with_each():
    conv = nn.Conv2d(4, 8, 3)
    scales = nn.ModuleList(nn.Sequential(conv, nn.BatchNorm2d(8), nn.ReLU()) for _ in range(3))
    for i, scale in enumerate(scales):
        scale[1].running_mean.fill_(i)
        scale[1].running_var.fill_(1 + i)
    images = torch.randn(2, 4, 8, 8)
    before = [scale(images) for scale in scales.eval()]
    fuse_for_inference(scales)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in scales.modules())
    for scale, output in zip(scales, before, strict=True):
        torch.testing.assert_close(scale(images), output, rtol=1e-5, atol=1e-5)
