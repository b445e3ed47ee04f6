import numpy as np
import pytest

from vitae_mm.visualization.class_map import ROWS, add_legend

COLORS = {f'class {i}': (10 * i, 255 - 10 * i, 7) for i in range(25)}
PICTURE = np.zeros((400, 300, 3), np.uint8)


def swatches(drawn):
    """RGB color in the middle of each square of the legend."""
    row = 400 / ROWS
    return [
        tuple(drawn[int((i + 0.5) * row), 300 + int(0.7 * row), ::-1].tolist()) for i in range(ROWS)
    ]


def test_classes_are_listed_in_order_with_their_colors():
    drawn = add_legend(PICTURE, {'class 3': 0.7, 'class 1': 0.3}, COLORS)
    assert np.array_equal(drawn[:, :300], PICTURE)
    white = (255, 255, 255)
    assert swatches(drawn) == [COLORS['class 3'], COLORS['class 1'], *[white] * (ROWS - 2)]
    text = (drawn[:, 300:] < 100).all(-1).any(1).reshape(ROWS, -1).any(1)
    assert text.tolist() == [True, True, *[False] * (ROWS - 2)]


def test_the_size_depends_only_on_the_classes_of_the_dataset():
    few = add_legend(PICTURE, {'class 1': 0.004}, COLORS)
    many = add_legend(PICTURE, dict.fromkeys(COLORS, 0.04), COLORS)
    assert few.shape == many.shape
    longer = add_legend(PICTURE, {'class 1': 1.0}, {**COLORS, 'a very long name': (0, 0, 0)})
    assert longer.shape[1] > few.shape[1]


@pytest.mark.parametrize('number, shown', [(ROWS, ROWS), (ROWS + 1, ROWS - 1)])
def test_classes_that_do_not_fit_are_counted(number, shown):
    names = list(COLORS)[:number]
    drawn = add_legend(PICTURE, dict.fromkeys(names, 1 / number), COLORS)
    last = (255, 255, 255) if shown < ROWS else COLORS[names[-1]]
    assert swatches(drawn)[shown - 1] == COLORS[names[shown - 1]] and swatches(drawn)[-1] == last


def test_names_are_not_cut_off():
    name = 'Müllhäuschen Ωж'
    drawn = add_legend(PICTURE, {name: 1.0}, {name: (0, 0, 255)})
    assert (drawn[:, -5:] == 255).all()
