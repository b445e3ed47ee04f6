import json

import pytest
import torch

from vitae_mm.checkpoints import Layout, convert_state_dict, identify_layout, publish_state_dict
from vitae_mm.errors import InputError

from ..helpers import golden

LAYOUTS = {
    'ViTAEv2_S': 'vitaev2',
    'ViTAEv2_B_dense': 'vitaev2',
    'ViTAE_basic_Tiny': 'vitae',
    'ViTAE_basic_Small': 'vitae',
    'ViTAE_basic_Base': 'vitae_patch',
    'ceit_tiny_patch16_384': 'ceit',
    'ceit_base_patch16_224': 'ceit',
}
each = pytest.mark.parametrize('name, layout', LAYOUTS.items())


def published(name='ViTAEv2_S'):
    entries = json.loads((golden.ROOT / f'{name}.json').read_text())['state_dict']
    return {key: torch.empty(shape, device='meta') for key, (shape, _) in entries.items()}


@each
def test_every_key_is_renamed_once(name, layout):
    state = published(name)
    converted = convert_state_dict(state, Layout(layout, False))
    derived = [key for key in state if key.endswith('relative_position_index')]
    assert len(converted) == len(state) - len(derived)
    assert all(key.startswith(('backbone.', 'head.fc.')) for key in converted)


@each
def test_publishing_restores_the_entries(name, layout):
    state = published(name)
    back = publish_state_dict(convert_state_dict(state, Layout(layout, False)), layout)
    assert {key: value.shape for key, value in back.items()} == {
        key: value.shape for key, value in state.items()
    }
    assert all(
        back[key] is value
        for key, value in state.items()
        if not key.endswith('relative_position_index')
    )


def test_derived_entries_equal_those_of_swin():
    converted = convert_state_dict(published(), Layout('vitaev2', False))
    index = publish_state_dict(converted, 'vitaev2')['layers.0.NC.0.attn.relative_position_index']
    for a, b in ((0, 0), (0, 48), (48, 0), (10, 31)):
        rows, columns = a // 7 - b // 7 + 6, a % 7 - b % 7 + 6
        assert index[a, b] == rows * 13 + columns


def test_models_of_the_previous_generation_are_converted():
    network = published('ViTAEv2_S_dense')
    state = {f'backbone.{key}': value for key, value in network.items()}
    extra = torch.empty(1)
    state.update(
        {
            'neck.lateral_convs.0.conv.weight': extra,
            'roi_head.bbox_head.fc_cls.bias': extra,
            'keypoint_head.final_layer.weight': extra,
        }
    )
    layout = identify_layout(state)
    assert layout == Layout('vitaev2', wrapped=True)
    converted = convert_state_dict(state, layout)
    assert converted['head.final_layer.weight'] is extra
    assert converted['roi_head.bbox_head.fc_cls.bias'] is extra
    plain = convert_state_dict(network, Layout('vitaev2', False))
    assert {key for key in converted if key.startswith('backbone.')} == set(plain)
    assert set(publish_state_dict(converted, 'vitaev2')) == set(state)


def test_the_head_of_a_classifier_is_not_renamed():
    extra = torch.empty(1)
    state = {**convert_state_dict(published(), Layout('vitaev2', False)), 'neck.conv.weight': extra}
    assert 'head.fc.weight' in publish_state_dict(state, 'vitaev2')


def test_two_generations_of_names_in_one_file_are_rejected():
    state = {f'backbone.{key}': value for key, value in published('ViTAEv2_S_dense').items()}
    state.update({'keypoint_head.a.bias': torch.empty(1), 'head.a.bias': torch.empty(1)})
    with pytest.raises(InputError, match='two entries .* become head.a.bias'):
        convert_state_dict(state, Layout('vitaev2', wrapped=True))


def test_an_unknown_key_is_reported():
    state = {**published(), 'layers.0.RC.extra.weight': torch.empty(1)}
    with pytest.raises(InputError, match=r'nearest is vitaev2.*layers.0.RC.extra.weight'):
        identify_layout(state)
    with pytest.raises(InputError, match='layers.0.RC.extra.weight'):
        convert_state_dict(state, Layout('vitaev2', False))
    wrapped = {
        **{
            f'backbone.{key}': value
            for key, value in published().items()
            if not key.startswith('head')
        },
        'tail.weight': torch.empty(1),
    }
    with pytest.raises(InputError, match='1 of .* keys, such as .*tail.weight'):
        identify_layout(wrapped)
