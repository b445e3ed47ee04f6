import torch

from vitae_mm.layers import WindowAttention
from vitae_mm.layers.window_attention import position_index

from ..reference import blocks
from .equations import softmax_attention


def test_equals_the_reference():
    module = WindowAttention(6, 8, 2, window_size=4).double()
    x = torch.rand(2, 7, 10, 6).double()
    plain = blocks.window_attention(module.state_dict(), '', x.permute(0, 3, 1, 2), 2, 4)
    torch.testing.assert_close(module(x), plain.permute(0, 2, 3, 1))


def test_padding_takes_part_in_the_softmax():
    module = WindowAttention(6, 8, 2, window_size=4).double()
    x = torch.rand(1, 3, 4, 6).double()
    # one row is missing; the smaller half of it, 0 rows, is added at the top
    padded = torch.cat([x, torch.zeros(1, 1, 4, 6)], dim=1)
    plain = softmax_attention(module, padded[0].flatten(0, 1)).unflatten(0, (4, 4))[:3]
    torch.testing.assert_close(module(x)[0], plain)


def test_windows_are_independent():
    module = WindowAttention(4, 4, 1, window_size=4)
    x = torch.rand(1, 8, 8, 4)
    changed = x.clone()
    changed[:, :4, :4] += 1
    differ = (module(x) != module(changed)).any(-1)[0]
    assert differ[:4, :4].all() and differ.sum() == 16


def test_shifted_windows_straddle_regular_windows():
    module = WindowAttention(4, 4, 1, window_size=4, shifted=True)
    x = torch.rand(1, 8, 8, 4)
    changed = x.clone()
    changed[:, 3, 3] += 1
    differ = (module(x) != module(changed)).any(-1)[0]
    # the shifted window of that position is rows and columns 2 to 5
    assert differ[2:6, 2:6].all() and differ.sum() == 16


def test_a_single_window_is_not_shifted():
    plain = WindowAttention(4, 4, 1, window_size=4)
    shifted = WindowAttention(4, 4, 1, window_size=4, shifted=True)
    shifted.load_state_dict(plain.state_dict())
    x = torch.rand(1, 4, 4, 4)
    assert torch.equal(plain(x), shifted(x))


def test_relative_position_bias_depends_on_the_offset():
    module = WindowAttention(4, 4, 2, window_size=3, relative_position=True).double()
    module.position_bias.data = torch.rand(25, 2).double()
    x = torch.rand(1, 3, 3, 4).double()
    positions = [(r, c) for r in range(3) for c in range(3)]
    rows = [
        [module.position_bias[(a[0] - b[0] + 2) * 5 + a[1] - b[1] + 2] for b in positions]
        for a in positions
    ]
    bias = torch.stack([torch.stack(row) for row in rows]).permute(2, 0, 1)
    plain = softmax_attention(module, x[0].flatten(0, 1), bias)
    torch.testing.assert_close(module(x)[0].flatten(0, 1), plain)
    assert position_index(3).unique().numel() == 25


def test_shift_and_relative_position_combine_in_a_batch():
    module = WindowAttention(4, 4, 2, window_size=4, shifted=True, relative_position=True)
    x = torch.rand(3, 8, 12, 4)
    each = torch.cat([module(sample[None]) for sample in x])
    torch.testing.assert_close(module(x), each, rtol=0, atol=1e-6)
