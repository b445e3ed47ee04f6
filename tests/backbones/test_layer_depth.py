"""The layers of parameters, for layer-wise learning rates."""

import pytest

from vitae_mm.backbones import CeiT, ViTAE, ViTAEv2

from ..helpers.archs import FOUR_STAGES, NARROW, every_arch

NEURIPS = dict(class_token=True, position='sinusoid', final_norm='tokens', out_type='cls_token')

# options, the number of layers, and layers by the prefix of their parameters
EXPECTED = {
    'vitaev2': (
        {},
        11,
        {
            'stages.0.reduction.prm': 0,
            'stages.0.reduction.ffn': 0,
            'stages.0.cells.0': 1,
            'stages.1.reduction': 2,
            'stages.1.cells.0.norm1': 3,
            'stages.1.cells.1.pcm': 4,
            'stages.2.reduction': 5,
            'stages.2.cells.1': 7,
            'stages.3.reduction': 8,
            'stages.3.cells.0': 9,
        },
    ),
    'vitae': (
        NEURIPS,
        7,
        {
            'stages.0.reduction': 0,
            'stages.1.reduction': 1,
            'stages.2.reduction': 2,
            'stages.2.embedding': 2,
            'stages.2.cells.0': 3,
            'stages.2.cells.2': 5,
            'norm.': 6,
        },
    ),
    'vitae_patch': (
        dict(out_type='avg_featmap'),
        5,
        {
            'stages.0.reduction': 0,
            'stages.0.embedding.position': 0,
            'stages.0.embedding.cls_token': 0,
            'stages.0.cells.0': 1,
            'stages.0.cells.2': 3,
            'norm.': 4,
        },
    ),
    'ceit': (
        dict(out_type='cls_token'),
        5,
        {
            'stages.0.reduction.conv': 0,
            'stages.0.reduction.proj': 0,
            'stages.0.embedding': 0,
            'stages.0.cells.0': 1,
            'stages.0.cells.2.ffn': 3,
            'class_attention.': 4,
            'norm.': 4,
        },
    ),
}


@pytest.mark.parametrize('name', EXPECTED)
def test_each_reduction_and_each_cell_is_a_layer(name):
    (network, arch), (options, count, layers) = NARROW[name], EXPECTED[name]
    model = network(arch, **options)
    names = [key for key, _ in model.named_parameters()]
    for start, layer in layers.items():
        found = {model.get_layer_depth(key) for key in names if key.startswith(start)}
        assert found == {(layer, count)}, start


@pytest.mark.parametrize('network, arch', every_arch())
def test_layers_are_consecutive(network, arch):
    model = network(arch)
    depths = [
        model.get_layer_depth(f'backbone.{name}', 'backbone.')
        for name, _ in model.named_parameters()
        if '.embedding.' not in name
    ]
    layers, counts = zip(*depths, strict=True)
    assert list(layers) == sorted(layers)
    assert len(set(counts)) == 1 and set(range(counts[0] - 1)) <= set(layers)


def test_other_parts_of_a_model_belong_to_the_last_layer():
    model = ViTAEv2(FOUR_STAGES)
    for name in ('head.fc.weight', 'neck.stages.0.conv.weight', 'data_preprocessor.mean'):
        assert model.get_layer_depth(name, 'backbone.') == (10, 11)


def test_stages_that_are_not_built_are_not_counted():
    model = ViTAEv2(FOUR_STAGES, out_indices=(0, 1))
    assert model.get_layer_depth('stages.1.cells.1.attn.qkv.weight') == (4, 6)


@pytest.mark.parametrize(
    'network, arch, layers', [(ViTAEv2, 'small', 18), (ViTAE, 'tiny', 10), (CeiT, 'tiny', 13)]
)
def test_published_networks_have_their_number_of_layers(network, arch, layers):
    assert network(arch).get_layer_depth('head.weight', 'backbone.') == (layers, layers + 1)
