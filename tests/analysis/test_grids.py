import pytest

from vitae_mm.analysis.grids import find_grid


@pytest.mark.parametrize(
    'count, image_size, grid',
    [
        (16, (32, 32), (4, 4)),
        (17, (32, 32), (4, 4)),
        (18, (32, 32), (4, 4)),
        (3136, (224, 224), (56, 56)),
        (197, (224, 224), (14, 14)),
        (256, (224, 224), (16, 16)),
        (7, (32, 48), (2, 3)),
        (6, (30, 41), (2, 3)),
        (20, (32, 32), None),
        (1, (32, 32), None),
    ],
)
def test_tokens_are_of_the_map_that_fits(count, image_size, grid):
    assert find_grid(count, image_size) == grid
