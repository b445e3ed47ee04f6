"""Reads the golden figures: weights and inputs, which are regenerated, and expected outputs."""

import json
import zlib
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1] / 'golden'
TOLERANCE = 1e-4


def published_weights(name):
    """The published state dict, each entry filled from its own name."""
    entries = json.loads((ROOT / f'{name}.json').read_text())['state_dict']
    state = {}
    for key, (shape, dtype) in entries.items():
        if dtype == 'float32':
            state[key] = torch.from_numpy(_values(key, shape).astype('float32'))
        else:
            state[key] = torch.zeros(shape, dtype=getattr(torch, dtype))
    return state


def _values(key, shape):
    random = np.random.RandomState(zlib.crc32(key.encode()))
    leaf = key.rsplit('.', 1)[-1]
    if leaf == 'running_var':
        return random.uniform(0.5, 1.5, shape)
    normal = np.asarray(random.standard_normal(shape))
    if leaf == 'running_mean':
        return 0.1 * normal
    if len(shape) < 2:
        return (leaf == 'weight') + 0.1 * normal
    return normal / np.sqrt(np.prod(shape[1:]))


def image(*shape):
    """The input of the golden outputs."""
    return torch.from_numpy(np.random.RandomState(0).standard_normal(shape).astype('float32'))


def outputs(name):
    """The golden outputs by their key, see golden/README.md."""
    with np.load(ROOT / f'{name}.npz') as file:
        return {key: file[key] for key in file.files}


def assert_agree(ours, golden):
    """Checks that max |a - b| <= 1e-4 * max |b|."""
    ours = ours.detach().numpy() if isinstance(ours, torch.Tensor) else ours
    assert ours.shape == golden.shape
    assert np.abs(ours - golden).max() <= TOLERANCE * np.abs(golden).max()
