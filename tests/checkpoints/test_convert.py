import json

import pytest
import torch
from helpers import golden

from vitae_mm.checkpoints import convert_state_dict, identify_family
from vitae_mm.errors import InputError


def published(name='ViTAEv2_S'):
    entries = json.loads((golden.ROOT / f'{name}.json').read_text())['state_dict']
    return {key: torch.empty(shape, device='meta') for key, (shape, _) in entries.items()}


def test_family_is_found():
    assert identify_family(published()) == 'vitaev2'


def test_every_key_is_renamed_once():
    state = published()
    converted = convert_state_dict(state, 'vitaev2')
    derived = [key for key in state if key.endswith('relative_position_index')]
    assert len(converted) == len(state) - len(derived)
    assert all(key.startswith(('backbone.', 'head.fc.')) for key in converted)


def test_an_unknown_key_is_named():
    state = {**published(), 'layers.0.RC.extra.weight': torch.empty(1)}
    with pytest.raises(InputError, match=r'nearest is vitaev2.*layers.0.RC.extra.weight'):
        identify_family(state)
    with pytest.raises(InputError, match='layers.0.RC.extra.weight'):
        convert_state_dict(state, 'vitaev2')
