"""The attention of a cell of small networks, and of hand-written weights."""

import numpy as np
import pytest
import torch
from mmengine.config import Config

from vitae_mm.analysis.attention_weights import Attention
from vitae_mm.analysis.cell_attention import AttentionViewer, check_size, weights_of
from vitae_mm.engine.config import strip_test_dataset
from vitae_mm.engine.models import build_model, load_model
from vitae_mm.errors import InputError
from vitae_mm.layers import FullAttention, WindowAttention

from ..helpers import training


def test_weights_of_a_cell_are_arranged_on_the_map():
    # two groups of a map of 2x2: a class token with three cells, and a cell with padding
    positions = torch.tensor([[-1, 0, 1, 2], [3, -1, -1, -1]])
    weights = torch.arange(2 * 2 * 4 * 4.0).view(2, 2, 4, 4)
    attention = Attention(weights, positions, (2, 2))
    first, last = weights_of(attention, (0, 1)), weights_of(attention, (1, 1))
    assert first.tolist() == [[[9, 10], [11, 0]], [[25, 26], [27, 0]]]
    assert last.tolist() == [[[0, 0], [0, 32]], [[0, 0], [0, 48]]]


@pytest.fixture
def viewer(data, tmp_path):
    """Of a classifier of 32x32 pixels, with a map of 8x8 in windows of 7x7."""
    cfg = Config.fromfile(training.write_classifier(tmp_path / 'c.py', data))
    torch.save(build_model(cfg).state_dict(), tmp_path / 'c.pth')
    strip_test_dataset(cfg)
    return AttentionViewer(load_model(cfg, str(tmp_path / 'c.pth'), 'cpu'))


@pytest.mark.parametrize(
    'place, cell', [((0, 0), (0, 0)), ((0.3, 0.9), (2, 7)), ((1.0, 0.5), (7, 4))]
)
def test_a_place_selects_its_cell_and_window(place, cell, viewer, data):
    path = next((data / 'images/train').iterdir())
    shown = viewer(path, 'stages.0.cells.0.attn', place)
    assert shown.image.shape == (32, 32, 3) and shown.covered == (32, 32)
    assert shown.cell == cell and shown.weights.shape == (1, 8, 8)
    # the map is padded by 3 on each side
    windows = (np.arange(8) + 3) // 7
    inside = np.logical_and.outer(windows == windows[cell[0]], windows == windows[cell[1]])
    assert ((shown.weights[0] > 0) == inside).all() and shown.weights.sum() < 1


def test_unknown_layers_are_rejected(viewer, data):
    path = next((data / 'images/train').iterdir())
    with pytest.raises(InputError, match=r"layer 'x': give one of stages\.0\.reduction\.attn"):
        viewer(path, 'x', (0, 0))


def test_weights_that_would_not_fit_into_memory_are_rejected():
    x = torch.empty(1, 200, 336, 8, device='meta')
    with pytest.raises(InputError, match=r'over 67,200 tokens, would take 33\.6 GiB'):
        check_size(FullAttention(8, 8, num_heads=2), (x,))
    check_size(WindowAttention(8, 8, num_heads=2), (x,))
