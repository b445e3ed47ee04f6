"""Layouts and published networks are recognized by their entries."""

import pytest
import torch

from vitae_mm.backbones import CeiT, ViTAE, ViTAEv2
from vitae_mm.checkpoints import Layout, identify_layout, identify_network, nearest_network
from vitae_mm.errors import InputError

from ..helpers.archs import PUBLISHED, classifier_out_type
from .test_convert import LAYOUTS, published


@pytest.mark.parametrize('name, layout', LAYOUTS.items())
def test_layout_is_found(name, layout):
    assert identify_layout(published(name)) == Layout(layout, wrapped=False)


@pytest.mark.parametrize(
    'state, words',
    [
        ({}, 'no published layout'),
        ({'backbone.relative_position_index': 0}, 'no published layout'),
        ({'backbone.stages.0.norm.bias': 0}, 'already has the names of vitae_mm'),
    ],
)
def test_files_without_a_published_network_are_rejected(state, words):
    with pytest.raises(InputError, match=words):
        identify_layout(state)


@pytest.mark.parametrize('network, arch, _', PUBLISHED)
def test_networks_are_found(network, arch, _):
    with torch.device('meta'):
        state = network(arch, out_type=classifier_out_type(network)).state_dict()
    found = identify_network(state)
    assert (found.network, found.arch) == (network.__name__, arch)
    assert nearest_network(state) == found


def test_position_embeddings_of_any_image_size_are_recognized():
    with torch.device('meta'):
        state = CeiT('small', img_size=384).state_dict()
    assert str(identify_network(state)) == "CeiT 'small'"


def test_the_nearest_published_network_is_found():
    with torch.device('meta'):
        state = ViTAE('6m', pcm_kernel_size=1).state_dict()
        parts = ViTAEv2('base', out_indices=(0, 1, 2)).state_dict()
    assert identify_network(state) is None and identify_network(parts) is None
    assert str(nearest_network(state)) == "ViTAE '6m'"
    assert str(nearest_network(parts)) == "ViTAEv2 'base'"
