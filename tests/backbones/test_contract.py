"""The contract that every backbone and arch meets."""

import copy
import math

import pytest
import torch
from torch import nn
from torchvision.ops import StochasticDepth

from vitae_mm.backbones import CeiT, ViTAE, ViTAEv2
from vitae_mm.backbones.spec import read_arch
from vitae_mm.compat import compile_module
from vitae_mm.errors import InputError

from ..helpers.archs import NARROW, PUBLISHED, classifier_out_type, every_arch

narrow = pytest.mark.parametrize('network, arch', NARROW.values(), ids=NARROW)
every = pytest.mark.parametrize('network, arch', every_arch())


def rows(network, arch):
    """The fields of each stage."""
    return read_arch(arch, network.FORMS)[1]


def build(network, arch, **options):
    torch.manual_seed(0)
    options = {'out_indices': tuple(range(len(rows(network, arch)))), **options}
    if options.get('out_type', 'featmap') != 'featmap':
        del options['out_indices']
    model = network(arch, **options)
    model.init_weights()
    return model


def loss_of(outputs):
    """A scalar in which every output element has a different weight."""
    return sum((m * torch.linspace(-1, 1, m.numel()).reshape(m.shape)).sum() for m in outputs)


@pytest.mark.parametrize('network, arch, millions', PUBLISHED)
def test_parameter_counts_match_the_papers(network, arch, millions):
    with torch.device('meta'):
        model = network(arch, out_type=classifier_out_type(network))
    head = 1000 * (rows(network, arch)[-1]['dim'] + 1)
    # the papers count the Performers' random features, which are not trained
    features = sum(b.numel() for name, b in model.named_buffers() if name.endswith('.features'))
    count = sum(p.numel() for p in model.parameters()) + features + head
    assert round(count / 1e6, 3) == millions


@pytest.mark.parametrize('arch, millions', [('tiny', 6.430), ('small', 24.351)])
def test_parameter_counts_at_384_match_the_paper(arch, millions):
    with torch.device('meta'):
        model = CeiT(arch, img_size=384, out_type='cls_token')
    count = sum(p.numel() for p in model.parameters()) + 1000 * (model.norm.weight.numel() + 1)
    assert round(count / 1e6, 3) == millions


def test_vitae_without_convolutions_has_the_size_of_t2t():
    with torch.device('meta'):
        model = ViTAE(
            'tiny',
            out_type='cls_token',
            dilations=[[1], [1], [1]],
            reduction_pcm=False,
            pcm_kernel_size=0,
            class_token=True,
            position='sinusoid',
            final_norm='tokens',
        )
    count = sum(p.numel() for p in model.parameters()) + 1000 * 257
    assert count == pytest.approx(4.3e6, rel=0.03)


@pytest.mark.parametrize('size', [(64, 64), (65, 97), (31, 130), (224, 33)])
@every
def test_map_sizes_are_rounded_up(network, arch, size):
    model = build(network, arch).eval()
    with torch.no_grad():
        maps = model(torch.rand(1, 3, *size))
    stride = 1
    for m, row in zip(maps, rows(network, arch), strict=True):
        stride *= row['ratio']
        assert m.shape == (1, row['dim'], math.ceil(size[0] / stride), math.ceil(size[1] / stride))
        assert m.isfinite().all()


def test_images_smaller_than_one_token_are_rejected_or_padded():
    assert build(*NARROW['vitaev2']).eval()(torch.rand(1, 3, 1, 1))[-1].shape == (1, 32, 1, 1)
    for name in ('vitae', 'vitae_patch', 'ceit'):
        with pytest.raises(InputError, match='16x15 pixels are too small.*16 or more'):
            build(*NARROW[name])(torch.rand(1, 3, 16, 15))


@pytest.mark.parametrize('name, side', [('vitaev2', 32), ('vitae', 16), ('ceit', 16)])
def test_one_token_is_too_small_to_train_batch_norms(name, side):
    model = build(*NARROW[name]).train()
    with pytest.raises(InputError, match='too small to train batch norms on.*norm_eval=True'):
        model(torch.rand(1, 3, side, side))
    model(torch.rand(2, 3, side, side))
    model.eval()(torch.rand(1, 3, side, side))
    build(*NARROW[name], norm_eval=True).train()(torch.rand(1, 3, side, side))


@narrow
def test_images_of_invalid_shape_are_rejected(network, arch):
    model = build(network, arch)
    with pytest.raises(InputError, match=r'\(B, 3, H, W\), got \(1, 4, 32, 32\)'):
        model(torch.rand(1, 4, 32, 32))
    with pytest.raises(InputError, match=r'got \(3, 32, 32\)'):
        model(torch.rand(3, 32, 32))
    with pytest.raises(InputError, match='too small'):
        model(torch.rand(1, 3, 0, 32))


OPTIONS = {
    'vitaev2': [
        dict(
            attention=['full', 'performer', 'window', 'window'],
            reduction_attention=['performer', 'full', 'window', 'performer'],
        ),
        dict(shift_window=True, relative_position=True, window_size=3),
        dict(norm_cfg=dict(type='GN', num_groups=4)),
        dict(norm_cfg=None),
        dict(out_indices=(0, 2)),
        dict(norm_eval=True),
        dict(dilations=[[1], [1, 2], [3], [1]], reduction_pcm=False),
        dict(pcm_kernel_size=0),
        dict(pcm_kernel_size=1),
        dict(pcm_fusion='after_ffn'),
        dict(out_type='avg_featmap'),
    ],
    'vitae': [
        dict(reduction_attention=['window', 'full'], attention=['performer']),
        dict(attention=['window'], shift_window=True, relative_position=True),
        dict(class_token=True, position='sinusoid', final_norm='tokens', out_type='cls_token'),
        dict(class_token=True, final_norm='pooled', out_type='cls_token'),
        dict(position='learned', final_norm='tokens'),
        dict(out_indices=(1,)),
        dict(dilations=[[1], [1], [1]], reduction_pcm=False, pcm_kernel_size=0, norm_cfg=None),
        dict(out_type='avg_featmap', pcm_fusion='after_ffn'),
    ],
    'vitae_patch': [
        dict(out_type='avg_featmap'),
        dict(out_type='cls_token'),
        dict(pcm_kernel_size=1),
        dict(pcm_kernel_size=0),
        dict(class_token=False, position='sinusoid'),
        dict(final_norm='tokens', attention=['performer']),
    ],
    'ceit': [
        dict(out_type='cls_token'),
        dict(out_type='avg_featmap'),
        dict(out_type='cls_token', lca=False),
        dict(stem_conv=False),
        dict(stem_pool=False, stem_norm=False, stem_channels=8),
        dict(leff_kernel_size=0, out_type='cls_token'),
        dict(leff_kernel_size=5, leff_norm=False),
        dict(leff_kernel_size=1, leff_last_act=True),
        dict(norm_cfg=None),
    ],
}


@pytest.mark.parametrize(
    'name, options',
    [(name, options) for name, choices in OPTIONS.items() for options in ({}, *choices)],
    ids=str,
)
def test_every_trained_parameter_has_a_gradient(name, options):
    model = build(*NARROW[name], **options).train()
    loss_of(model(torch.randn(2, 3, 64, 96))).backward()
    trained = {key: p for key, p in model.named_parameters() if p.requires_grad}
    assert all(p.grad is not None for p in trained.values())
    # a batch norm in train mode cancels the bias before it, whose gradient is zero up to rounding
    cancelled = ('conv1.bias', 'conv2.bias', 'conv3.bias', 'reduction.conv.bias')
    assert not [
        key
        for key, p in trained.items()
        if not p.grad.abs().sum() > 0 and not key.endswith(cancelled)
    ]
    # if only the class token is read, parameters that affect only the map are not trained
    idle = [key for key, p in model.named_parameters() if not p.requires_grad]
    assert all(f'cells.{len(model.stages[-1].cells) - 1}.' in key for key in idle)
    assert bool(idle) == (
        options.get('out_type') == 'cls_token' and options.get('leff_kernel_size') != 0
    )


@every
def test_checkpointing_does_not_change_gradients(network, arch):
    out_types = (
        ['featmap', classifier_out_type(network)]
        if isinstance(arch, dict)
        else [classifier_out_type(network)]
    )
    for out_type in out_types:
        model = build(network, arch, drop_path_rate=0.3, drop_rate=0.1, out_type=out_type).train()
        x = torch.randn(2, 3, 64, 64)
        start = {name: buffer.clone() for name, buffer in model.named_buffers()}
        runs = []
        for model.with_cp in (False, True):
            for name, buffer in model.named_buffers():
                buffer.copy_(start[name])
            model.zero_grad()
            torch.manual_seed(1)
            outputs = model(x)
            loss_of(outputs).backward()
            runs.append(
                (
                    outputs,
                    {
                        name: p.grad.clone()
                        for name, p in model.named_parameters()
                        if p.requires_grad
                    },
                    {name: buffer.clone() for name, buffer in model.named_buffers()},
                )
            )
        (plain_outputs, plain_grads, plain_buffers), (outputs, grads, buffers) = runs
        for a, b in zip(plain_outputs, outputs, strict=True):
            assert torch.equal(a, b)
        for name, grad in grads.items():
            assert grad.isfinite().all(), name
            assert torch.allclose(plain_grads[name], grad, rtol=1e-4, atol=1e-5), name
        # the recomputation does not update running statistics again
        for name, buffer in buffers.items():
            assert torch.equal(plain_buffers[name], buffer), name


@pytest.mark.slow
@narrow
def test_compiled_checkpointing_does_not_change_gradients(network, arch):
    plain = build(network, arch).double().train()
    for module in plain.modules():
        if isinstance(
            module, nn.Dropout
        ):  # dropout of Performers draws other numbers when compiled
            module.p = 0.0
    compiled = copy.deepcopy(plain)
    compiled.with_cp = True
    # traces and partitions like the default backend, without compiling C++
    compile_module(compiled, backend='aot_eager')
    x = torch.randn(2, 3, 64, 64).double()
    for model in (plain, compiled):
        loss_of(model(x)).backward()
    for (name, a), b in zip(plain.named_parameters(), compiled.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad), name
    for (name, a), b in zip(plain.named_buffers(), compiled.named_buffers(), strict=True):
        assert torch.allclose(a, b[1]), name


@narrow
def test_checkpointing_stores_less(network, arch):
    def stored(with_cp):
        sizes = []
        model = build(network, arch, with_cp=with_cp).train()
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t: sizes.append(t.numel()) or t, lambda t: t
        ):
            model(torch.randn(1, 3, 128, 128))
        # the image is stored either way
        return sum(sizes) - 3 * 128 * 128

    assert stored(True) < stored(False) / 5


@pytest.mark.parametrize(
    'name, frozen',
    [
        (name, frozen)
        for name, count in dict(vitaev2=4, vitae=3, vitae_patch=1, ceit=1).items()
        for frozen in range(-1, count + 1)
    ],
)
def test_frozen_stages_do_not_change(name, frozen):
    model = build(*NARROW[name], frozen_stages=frozen, drop_path_rate=0.1)
    before = copy.deepcopy(model.state_dict())
    model.train()
    x = torch.randn(2, 3, 64, 64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    maps = model(x)
    if frozen < len(model.stages):
        loss_of(maps).backward()
    optimizer.step()
    for i, stage in enumerate(model.stages):
        is_frozen = i < frozen
        assert all(p.requires_grad != is_frozen for p in stage.parameters())
        assert any(m.training for m in stage.modules()) != is_frozen
        same = [torch.equal(before[f'stages.{i}.{k}'], v) for k, v in stage.state_dict().items()]
        assert all(same) == is_frozen


@narrow
def test_norm_eval_keeps_statistics(network, arch):
    model = build(network, arch, norm_eval=True).train()
    before = {k: v.clone() for k, v in model.named_buffers()}
    model(torch.randn(2, 3, 64, 64))
    assert all(torch.equal(before[k], v) for k, v in model.named_buffers())
    assert model.stages[0].training


@narrow
def test_sync_bn_is_built(network, arch):
    model = build(network, arch, norm_cfg=dict(type='SyncBN'))
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    assert norms and all(isinstance(m, nn.SyncBatchNorm) for m in norms)


@narrow
def test_drop_path_rises_linearly_over_all_normal_cells(network, arch):
    model = build(network, arch, drop_path_rate=0.5)
    rates = [m.p for m in model.modules() if isinstance(m, StochasticDepth)]
    assert len(rates) == sum(row['depth'] for row in rows(network, arch))
    assert rates == pytest.approx([0.5 * i / (len(rates) - 1) for i in range(len(rates))])


def test_a_single_cell_has_the_full_drop_path_rate():
    arch = dict(NARROW['vitaev2'][1], depths=(0, 0, 0, 1))
    model = build(NARROW['vitaev2'][0], arch, drop_path_rate=0.5, attention=['full'])
    assert [m.p for m in model.modules() if isinstance(m, StochasticDepth)] == [0.5]


def test_later_stages_are_not_built():
    model = build(*NARROW['vitaev2'], out_indices=(1,))
    assert len(model.stages) == 2
    assert model(torch.rand(1, 3, 64, 64))[0].shape == (1, 16, 8, 8)


@pytest.mark.parametrize('network, arch, _', PUBLISHED)
def test_every_published_arch_supports_the_options(network, arch, _):
    with torch.device('meta'):
        model = network(
            arch,
            frozen_stages=1,
            norm_eval=True,
            drop_path_rate=0.3,
            out_indices=tuple(range(len(rows(network, arch)))),
        ).train()
        same = network(arch, out_indices=model.out_indices)
    rates = [m.p for m in model.modules() if isinstance(m, StochasticDepth)]
    count = sum(row['depth'] for row in rows(network, arch))
    assert rates == pytest.approx([0.3 * i / (count - 1) for i in range(count)])
    assert not any(p.requires_grad for p in model.stages[0].parameters())
    assert all(p.requires_grad for stage in model.stages[1:] for p in stage.parameters())
    assert not any(
        m.training for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)
    )
    assert same.state_dict().keys() == model.state_dict().keys()


@narrow
def test_state_dict_round_trip(network, arch):
    first = build(network, arch)
    second = network(arch, out_indices=first.out_indices)
    second.load_state_dict(first.state_dict(), strict=True)
    x = torch.randn(1, 3, 64, 64)
    for a, b in zip(first.eval()(x), second.eval()(x), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    'name, parts',
    [
        ('vitae_patch', ['reduction', 'cells', 'embedding']),
        ('ceit', ['reduction', 'embedding', 'cells']),
    ],
)
def test_parameters_keep_the_order_of_saved_optimizer_states(name, parts):
    network, arch = NARROW[name]
    names = [key.split('.') for key, _ in network(arch).named_parameters()]
    assert list(dict.fromkeys(part for _, _, part, *_ in names)) == parts


@narrow
def test_samples_are_independent(network, arch):
    model = build(network, arch).eval()
    x = torch.randn(4, 3, 50, 70)
    order = [2, 0, 3, 1]
    for a, b in zip(model(x), model(x[order]), strict=True):
        assert torch.allclose(a[order], b, atol=1e-5)


@narrow
def test_maps_are_contiguous(network, arch):
    x = torch.randn(1, 3, 64, 96)
    model = build(network, arch).eval()
    maps, again = model(x), model(x.contiguous(memory_format=torch.channels_last))
    assert all(m.is_contiguous() for m in again)
    for a, b in zip(maps, again, strict=True):
        assert torch.equal(a, b)


def test_performer_cells_have_dropout():
    model = build(*NARROW['vitaev2'], reduction_attention=['performer'] * 4)
    assert {s.reduction.ffn.drop.p for s in model.stages} == {0.1}
    assert {s.reduction.attn.drop.p for s in model.stages} == {0.1}
    model = ViTAE('tiny')
    assert {s.reduction.attn.drop.p for s in model.stages[:2]} == {0.1}
    assert {s.reduction.ffn.hidden_drop.p for s in model.stages[:2]} == {0}
    assert model.stages[2].cells[0].attn.drop.p == 0


def test_published_networks_have_their_kinds_of_attention():
    def kinds(model):
        return [
            (
                type(getattr(s.reduction, 'attn', None)).__name__,
                {type(cell.attn).__name__ for cell in s.cells},
            )
            for s in model.stages
        ]

    assert kinds(ViTAE('tiny')) == [
        ('PerformerAttention', set()),
        ('PerformerAttention', set()),
        ('NoneType', {'FullAttention'}),
    ]
    assert (
        kinds(build(ViTAEv2, NARROW['vitaev2'][1]))
        == [('WindowAttention', {'WindowAttention'})] * 2
        + [('FullAttention', {'FullAttention'})] * 2
    )
