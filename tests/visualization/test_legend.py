import numpy as np
import pytest

from vitae_mm.visualization.legend import ROWS, add_legend

COLOURS = {f'class {i}': (10 * i, 255 - 10 * i, 7) for i in range(25)}
PICTURE = np.zeros((400, 300, 3), np.uint8)


def swatches(drawn):
    """RGB in the middle of each row's square."""
    row = 400 / ROWS
    return [
        tuple(drawn[int((i + 0.5) * row), 300 + int(0.7 * row), ::-1].tolist()) for i in range(ROWS)
    ]


def test_the_classes_stand_in_order_with_their_colours():
    drawn = add_legend(PICTURE, {'class 3': 0.7, 'class 1': 0.3}, COLOURS)
    assert np.array_equal(drawn[:, :300], PICTURE)
    white = (255, 255, 255)
    assert swatches(drawn) == [COLOURS['class 3'], COLOURS['class 1'], *[white] * (ROWS - 2)]
    text = (drawn[:, 300:] < 100).all(-1).any(1).reshape(ROWS, -1).any(1)
    assert text.tolist() == [True, True, *[False] * (ROWS - 2)]


def test_pictures_of_a_video_have_one_size():
    few = add_legend(PICTURE, {'class 1': 0.004}, COLOURS)
    many = add_legend(PICTURE, dict.fromkeys(COLOURS, 0.04), COLOURS)
    assert few.shape == many.shape
    longer = add_legend(PICTURE, {'class 1': 1.0}, {**COLOURS, 'a very long name': (0, 0, 0)})
    assert longer.shape[1] > few.shape[1]


@pytest.mark.parametrize('number, shown', [(ROWS, ROWS), (ROWS + 1, ROWS - 1)])
def test_classes_without_room_are_counted(number, shown):
    names = list(COLOURS)[:number]
    drawn = add_legend(PICTURE, dict.fromkeys(names, 1 / number), COLOURS)
    last = (255, 255, 255) if shown < ROWS else COLOURS[names[-1]]
    assert swatches(drawn)[shown - 1] == COLOURS[names[shown - 1]] and swatches(drawn)[-1] == last


def test_nothing_of_a_name_is_cut_off():
    name = 'Müllhäuschen Ωж'
    drawn = add_legend(PICTURE, {name: 1.0}, {name: (0, 0, 255)})
    assert (drawn[:, -5:] == 255).all()
