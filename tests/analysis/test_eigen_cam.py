import numpy as np
import pytest

from vitae_mm.analysis.eigen_cam import EigenCAM


def test_the_largest_magnitude_of_a_component_is_positive():
    spot = np.zeros((1, 3, 4, 5), np.float32)
    spot[0, :, 2, 3] = -1, 2, 3
    for sign in (1, -1):
        shown = EigenCAM.get_cam_image(None, None, None, None, sign * spot, None, False)
        assert shown.shape == (1, 4, 5) and shown[0].argmax() == 2 * 5 + 3
        assert shown[0, 2, 3] == pytest.approx(14**0.5 * 19 / 20, rel=1e-5)
