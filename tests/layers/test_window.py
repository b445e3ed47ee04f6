import pytest
import torch

from vitae_mm.layers.window import (
    merge_windows,
    next_multiple,
    pad_map,
    pad_to_windows,
    partition_windows,
    shift_mask,
)


@pytest.mark.parametrize('size, unit, expected', [(0, 7, 0), (1, 7, 7), (7, 7, 7), (8, 7, 14)])
def test_next_multiple(size, unit, expected):
    assert next_multiple(size, unit) == expected


def test_pad_map_adds_zeros_on_each_side():
    x = torch.rand(2, 3, 4, 5) + 1
    padded = pad_map(x, (1, 2), (3, 4))
    assert padded.shape == (2, 6, 11, 5)
    assert torch.equal(padded[:, 1:4, 3:7], x)
    assert padded.count_nonzero() == x.numel()
    assert pad_map(x, (0, 0), (0, 0)) is x


@pytest.mark.parametrize('size', [(7, 7), (8, 20), (13, 1)])
def test_windows_are_padded_with_the_smaller_half_first(size):
    x = torch.rand(2, *size, 3) + 1
    padded, top, left = pad_to_windows(x, 7)
    assert padded.shape[1] % 7 == padded.shape[2] % 7 == 0
    assert top == (padded.shape[1] - size[0]) // 2 and left == (padded.shape[2] - size[1]) // 2
    inner = padded[:, top : top + size[0], left : left + size[1]]
    assert torch.equal(inner, x)
    assert padded.count_nonzero() == x.numel()


def test_whole_windows_are_not_padded():
    x = torch.rand(1, 14, 7, 2)
    assert pad_to_windows(x, 7)[0] is x


def test_partition_lists_the_tokens_of_each_window():
    x = torch.arange(2 * 4 * 6).reshape(2, 4, 6, 1)
    windows = partition_windows(x, 2)
    for batch in range(2):
        for row in range(2):
            for col in range(3):
                tokens = x[batch, 2 * row : 2 * row + 2, 2 * col : 2 * col + 2].flatten()
                assert torch.equal(windows[batch * 6 + row * 3 + col].flatten(), tokens)
    assert torch.equal(merge_windows(windows, 2, (4, 6)), x)


def test_shift_mask_separates_tokens_that_are_not_neighbors():
    size, window, shift = 8, 4, 2
    mask = shift_mask((size, size), window, shift=(shift, shift), like=torch.zeros(1))
    # position (r, c) of the rolled map was at ((r + shift) % size, ...)
    for number in range(4):
        rows = [(number // 2 * window + r + shift) % size for r in range(window)]
        cols = [(number % 2 * window + c + shift) % size for c in range(window)]
        positions = [(r, c) for r in rows for c in cols]
        for i, a in enumerate(positions):
            for j, b in enumerate(positions):
                near = abs(a[0] - b[0]) < window and abs(a[1] - b[1]) < window
                assert mask[number, i, j] == (0 if near else -100)
