"""Forward and backward passes in train mode equal those of the reference, for the same weights."""

import pytest
import torch

from vitae_mm.backbones import CeiT, ViTAE, ViTAEv2
from vitae_mm.checkpoints import convert_state_dict, identify_layout

from ..helpers import golden
from ..reference import blocks
from ..reference.ceit import ceit
from ..reference.vitae import vitae
from ..reference.vitaev2 import vitaev2

TOLERANCE = 1e-8
ROUNDING = 1e-10
"""In float64, relative to the largest value."""


def pair(name, network, arch, **options):
    """Leaves with published names, and our network in train mode with the same weights, in
    float64."""
    state = golden.published_weights(name)
    state = {
        key: value.double() if value.is_floating_point() else value for key, value in state.items()
    }
    # small q and k, so that the Performer's features do not underflow
    state.update({key: value * 0.2 for key, value in state.items() if key.endswith('kqv.weight')})
    model = network(arch, **options).double().train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    ours = convert_state_dict(state, identify_layout(state))
    model.load_state_dict(
        {
            key.removeprefix('backbone.'): value
            for key, value in ours.items()
            if key.startswith('backbone.')
        },
        strict=True,
    )
    leaves = {
        key: value.clone().requires_grad_(value.is_floating_point()) for key, value in state.items()
    }
    return leaves, model


def assert_equal(leaves, model, theirs, mine, prefix=''):
    """Compares outputs, and gradients of every published entry that starts with ``prefix``."""
    assert torch.allclose(mine, theirs, rtol=0, atol=TOLERANCE * theirs.abs().max().item())
    weight = torch.linspace(-1, 1, theirs.numel()).reshape(theirs.shape)
    (theirs * weight).sum().backward()
    (mine * weight).sum().backward()
    parameters = dict(model.named_parameters())
    layout = identify_layout(leaves)
    compared = 0
    for key, leaf in leaves.items():
        if leaf.grad is None or not key.startswith(prefix):
            continue
        ours = next(iter(convert_state_dict({key: leaf}, layout))).removeprefix('backbone.')
        if ours.endswith('.features'):  # random, not trained
            continue
        grad = parameters[ours].grad
        if grad is None:  # not trained if only the class token is read
            assert not leaf.grad.any(), key
            continue
        # the gradient of a bias before a batch norm consists of rounding errors
        least = ROUNDING * leaves[key.replace('bias', 'weight')].grad.abs().max()
        assert (grad - leaf.grad).abs().max() <= TOLERANCE * leaf.grad.abs().max() + least, key
        compared += 1
    assert compared


def nchw(*shape):
    torch.manual_seed(0)
    x = torch.randn(*shape).double()
    return x, x.permute(0, 2, 3, 1)


@pytest.mark.parametrize(
    'index, reference',
    [
        (
            0,
            lambda s, p, x: blocks.reduction_cell_window(
                s, p, x, 7, 4, (1, 2, 3, 4), 1, train=True
            ),
        ),
        (2, lambda s, p, x: blocks.reduction_cell_full(s, p, x, 3, 2, (1, 2), 2, train=True)),
    ],
    ids=['window', 'full'],
)
def test_reduction_cells_equal_the_reference(index, reference):
    leaves, model = pair('ViTAEv2_S_dense', ViTAEv2, 'small')
    x, ours = nchw(2, (3, 0, 128)[index], 40, 56)
    theirs = reference(leaves, f'layers.{index}.RC.', x)
    mine = model.stages[index].reduction(ours).permute(0, 3, 1, 2)
    assert_equal(leaves, model, theirs, mine, f'layers.{index}.RC.')


def test_reduction_cells_with_performer_equal_the_reference():
    leaves, model = pair('ViTAE_basic_Tiny', ViTAE, 'tiny', out_type='avg_featmap')
    x, ours = nchw(2, 3, 40, 56)
    theirs = blocks.reduction_cell_performer(
        leaves, 'layers.0.RC.', x, 7, 4, (1, 2, 3, 4), train=True
    )
    mine = model.stages[0].reduction(ours).permute(0, 3, 1, 2)
    assert_equal(leaves, model, theirs, mine, 'layers.0.RC.')


@pytest.mark.parametrize(
    'index, reference',
    [
        (1, lambda s, p, x: blocks.normal_cell_window(s, p, x, 2, train=True)),
        (2, lambda s, p, x: blocks.normal_cell_full(s, p, x, 4, train=True)),
    ],
    ids=['window', 'full'],
)
def test_normal_cells_equal_the_reference(index, reference):
    leaves, model = pair('ViTAEv2_S_dense', ViTAEv2, 'small')
    x, ours = nchw(2, (0, 128, 256)[index], 10, 15)
    theirs = reference(leaves, f'layers.{index}.NC.0.', x)
    mine = model.stages[index].cells[0](ours)[0].permute(0, 3, 1, 2)
    assert_equal(leaves, model, theirs, mine, f'layers.{index}.NC.0.')


def test_normal_cells_with_class_token_equal_the_reference():
    leaves, model = pair('ViTAE_basic_Base', ViTAE, 'base', out_type='avg_featmap')
    _, ours = nchw(2, 768, 5, 3)
    cls = torch.randn(2, 1, 768).double()
    tokens = torch.cat([cls, ours.flatten(1, 2)], dim=1)
    theirs = blocks.normal_cell_class_token(
        leaves, 'layers.2.NC.0.', tokens, (5, 3), 12, train=True
    )
    maps, token = model.stages[0].cells[0](ours, cls)
    mine = torch.cat([token, maps.flatten(1, 2)], dim=1)
    assert_equal(leaves, model, theirs, mine, 'layers.2.NC.0.')


def test_local_feed_forward_equals_the_reference():
    leaves, model = pair('ceit_tiny_patch16_224', CeiT, 'tiny', out_type='cls_token')
    _, ours = nchw(2, 192, 9, 5)
    cls = torch.randn(2, 1, 192).double()
    tokens = torch.cat([cls, ours.flatten(1, 2)], dim=1)
    theirs = blocks.local_feed_forward(leaves, 'blocks.0.leff.', tokens, (9, 5), train=True)
    assert torch.equal(theirs[:, :1], cls)
    mine = model.stages[0].cells[0].ffn(ours).flatten(1, 2)
    assert_equal(leaves, model, theirs[:, 1:], mine, 'blocks.0.leff.')


def test_ceit_blocks_equal_the_reference():
    leaves, model = pair('ceit_tiny_patch16_224', CeiT, 'tiny', out_type='cls_token')
    _, ours = nchw(2, 192, 9, 5)
    cls = torch.randn(2, 1, 192).double()
    tokens = torch.cat([cls, ours.flatten(1, 2)], dim=1)
    theirs = blocks.ceit_block(leaves, 'blocks.0.', tokens, (9, 5), 3, train=True)
    maps, token = model.stages[0].cells[0](ours, cls)
    mine = torch.cat([token, maps.flatten(1, 2)], dim=1)
    assert_equal(leaves, model, theirs, mine, 'blocks.0.')


def test_layerwise_class_attention_equals_the_reference():
    leaves, model = pair('ceit_tiny_patch16_224', CeiT, 'tiny', out_type='cls_token')
    tokens = torch.randn(3, 12, 192).double()
    theirs = blocks.layer_wise_class_attention(
        leaves, 'lca.', tokens + leaves['pos_layer_embed'], 3
    )
    mine = model.class_attention(tokens).squeeze(1)
    assert_equal(leaves, model, theirs, mine, 'lca.')


@pytest.mark.slow
@pytest.mark.parametrize(
    'name, network, arch, reference, out_type',
    [
        ('ViTAEv2_S', ViTAEv2, 'small', vitaev2, 'avg_featmap'),
        ('ViTAE_basic_Tiny', ViTAE, 'tiny', vitae, 'avg_featmap'),
        ('ceit_tiny_patch16_224', CeiT, 'tiny', ceit, 'cls_token'),
    ],
    ids=['vitaev2', 'vitae', 'ceit'],
)
def test_whole_networks_equal_the_reference(name, network, arch, reference, out_type):
    leaves, model = pair(name, network, arch, out_type=out_type)
    image = golden.image(2, 3, 224, 224).double()
    theirs = reference(leaves, image, arch, train=True)['features']
    assert_equal(leaves, model, theirs, model(image)[-1])
