"""What every backbone of every arch must keep."""
import copy
import math

import pytest
import torch
from helpers.archs import FOUR_STAGES as NARROW
from torch import nn
from torchvision.ops import StochasticDepth

from vitae_mm.backbones import ViTAEv2

ALL = (0, 1, 2, 3)
ARCHS = ['small', pytest.param('48m', marks=pytest.mark.slow),
         pytest.param('base', marks=pytest.mark.slow), NARROW]
KINDS = ['window', 'full', 'performer']


def build(arch=NARROW, **options):
    torch.manual_seed(0)
    model = ViTAEv2(arch, **{'out_indices': ALL, **options})
    model.init_weights()
    return model


def loss_of(maps):
    """A scalar in which every output element counts differently."""
    return sum((m * torch.linspace(-1, 1, m.numel()).reshape(m.shape)).sum() for m in maps)


# the classifier's linear layer is counted as published: 1000 classes
@pytest.mark.parametrize('arch, millions', [('small', 19.356), ('48m', 48.675), ('base', 89.693)])
def test_parameter_count(arch, millions):
    with torch.device('meta'):
        model = ViTAEv2(arch)
    width = model.stages[-1].cells[-1].norm1.normalized_shape[0]
    count = sum(p.numel() for p in model.parameters()) + 1000 * (width + 1)
    assert round(count / 1e6, 3) == millions


@pytest.mark.parametrize('size', [(64, 64), (65, 97), (31, 130), (1, 1), (224, 33)])
@pytest.mark.parametrize('arch', ARCHS)
def test_maps_have_ceil_size_cells(arch, size):
    model = build(arch).eval()
    with torch.no_grad():
        maps = model(torch.rand(1, 3, *size))
    dims = NARROW['dims'] if arch is NARROW else [s.reduction.norm2.normalized_shape[0]
                                                  for s in model.stages]
    for m, dim, stride in zip(maps, dims, (4, 8, 16, 32), strict=True):
        assert m.shape == (1, dim, math.ceil(size[0] / stride), math.ceil(size[1] / stride))
        assert m.isfinite().all()


@pytest.mark.parametrize('options', [
    {}, dict(attention=['full', 'performer', 'window', 'window'],
             reduction_attention=['performer', 'full', 'window', 'performer']),
    dict(shift_window=True, relative_position=True, window_size=3),
    dict(norm_cfg=dict(type='GN', num_groups=4)), dict(out_indices=(0, 2)), dict(norm_eval=True)
], ids=str)
def test_every_parameter_has_a_gradient(options):
    model = build(**options).train()
    loss_of(model(torch.randn(2, 3, 64, 96))).backward()
    assert all(p.grad is not None for p in model.parameters())
    # a bias before a batch norm in train mode is taken off again: its
    # gradient is there, but zero up to rounding
    taken_off = ('pcm.conv1.bias', 'pcm.conv2.bias')
    assert not [name for name, p in model.named_parameters()
                if not p.grad.abs().sum() > 0 and not name.endswith(taken_off)]


@pytest.mark.parametrize('arch', ARCHS)
def test_every_arch_has_every_gradient(arch):
    model = build(arch, drop_path_rate=.1).train()
    loss_of(model(torch.randn(2, 3, 64, 64))).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize('arch', ARCHS)
def test_checkpointing_changes_nothing(arch):
    plain = build(arch, drop_path_rate=.3, drop_rate=.1).train()
    saving = copy.deepcopy(plain)
    saving.with_cp = True
    x = torch.randn(2, 3, 64, 64)
    outs = []
    for model in (plain, saving):
        torch.manual_seed(1)
        maps = model(x)
        loss_of(maps).backward()
        outs.append(maps)
    for a, b in zip(*outs):
        assert torch.equal(a, b)
    for (name, a), b in zip(plain.named_parameters(), saving.parameters()):
        assert torch.allclose(a.grad, b.grad, rtol=1e-4, atol=1e-5), name
    # running statistics are updated once, not again by the recomputation
    for (name, a), b in zip(plain.named_buffers(), saving.buffers()):
        assert torch.equal(a, b), name


@pytest.mark.slow
def test_compiled_checkpointing_changes_nothing():
    plain = build().double().train()
    compiled = copy.deepcopy(plain)
    compiled.with_cp = True
    # traces and partitions as the default backend does, without its C++ build
    compiled.compile(backend='aot_eager')
    x = torch.randn(2, 3, 64, 64).double()
    for model in (plain, compiled):
        loss_of(model(x)).backward()
    for (name, a), b in zip(plain.named_parameters(), compiled.parameters()):
        assert torch.allclose(a.grad, b.grad), name
    for (name, a), b in zip(plain.named_buffers(), compiled.buffers()):
        assert torch.allclose(a, b), name


def test_checkpointing_stores_less():
    def stored(with_cp):
        sizes = []
        model = build(with_cp=with_cp).train()
        with torch.autograd.graph.saved_tensors_hooks(
                lambda t: sizes.append(t.numel()) or t, lambda t: t):
            model(torch.randn(1, 3, 128, 128))
        return sum(sizes)

    assert stored(True) < stored(False) / 5


@pytest.mark.parametrize('frozen', [-1, 0, 1, 3, 4])
def test_frozen_stages_stay_as_they_are(frozen):
    model = build(frozen_stages=frozen, drop_path_rate=.1)
    before = copy.deepcopy(model.state_dict())
    model.train()
    x = torch.randn(2, 3, 64, 64)
    optimizer = torch.optim.SGD(model.parameters(), lr=.1)
    maps = model(x)
    if frozen < 4:
        loss_of(maps).backward()
    optimizer.step()
    for i, stage in enumerate(model.stages):
        is_frozen = i < frozen
        assert all(p.requires_grad != is_frozen for p in stage.parameters())
        assert not any(m.training for m in stage.modules()) == is_frozen
        same = [torch.equal(before[f'stages.{i}.{k}'], v) for k, v in stage.state_dict().items()]
        assert all(same) == is_frozen


def test_norm_eval_keeps_statistics():
    model = build(norm_eval=True).train()
    before = {k: v.clone() for k, v in model.named_buffers()}
    model(torch.randn(2, 3, 64, 64))
    assert all(torch.equal(before[k], v) for k, v in model.named_buffers())
    assert model.stages[0].training


def test_sync_bn_is_built():
    model = build(norm_cfg=dict(type='SyncBN'))
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    assert norms and all(isinstance(m, nn.SyncBatchNorm) for m in norms)


def test_drop_path_rises_linearly_over_all_normal_cells():
    model = build(drop_path_rate=.5)
    rates = [m.p for m in model.modules() if isinstance(m, StochasticDepth)]
    assert rates == pytest.approx([.5 * i / 5 for i in range(6)])


def test_later_stages_are_not_built():
    model = build(out_indices=(1, ))
    assert len(model.stages) == 2
    assert model(torch.rand(1, 3, 64, 64))[0].shape == (1, 16, 8, 8)


def test_state_dict_round_trip():
    first, second = build(), ViTAEv2(NARROW, out_indices=ALL)
    second.load_state_dict(first.state_dict(), strict=True)
    x = torch.randn(1, 3, 64, 64)
    for a, b in zip(first.eval()(x), second.eval()(x)):
        assert torch.equal(a, b)


def test_samples_do_not_see_each_other():
    model = build(attention=['window', 'performer', 'full', 'window']).eval()
    x = torch.randn(4, 3, 50, 70)
    order = [2, 0, 3, 1]
    for a, b in zip(model(x), model(x[order])):
        assert torch.allclose(a[order], b, atol=1e-5)


def test_maps_are_laid_out_as_mmcv_reads_them():
    maps = build().eval()(torch.randn(1, 3, 64, 96).contiguous(memory_format=torch.channels_last))
    assert all(m.is_contiguous() for m in maps)


def test_memory_format_does_not_matter():
    model = build().eval()
    x = torch.randn(2, 3, 64, 64)
    for a, b in zip(model(x), model(x.contiguous(memory_format=torch.channels_last))):
        assert torch.equal(a, b)


def test_performer_drops_out_a_tenth():
    model = build(reduction_attention=['performer'] * 4)
    assert {s.reduction.ffn.drop.p for s in model.stages} == {.1}
    assert {s.reduction.attn.drop.p for s in model.stages} == {.1}
