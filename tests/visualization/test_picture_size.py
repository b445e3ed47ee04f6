import numpy as np
import pytest

from vitae_mm.visualization.picture_size import enlarge


@pytest.mark.parametrize(
    'size, factor',
    [
        ((1, 1), 320),
        ((32, 32), 10),
        ((192, 256), 2),
        ((320, 400), 1),
        ((3000, 4000), 1),
        ((10, 2000), 2),
        ((10, 9000), 1),
    ],
)
def test_small_images_are_enlarged_by_an_integer_factor(size, factor):
    picture, by = enlarge(np.zeros((*size, 3), np.uint8))
    assert by == factor and picture.shape == (size[0] * factor, size[1] * factor, 3)
