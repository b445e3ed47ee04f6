import pytest

from vitae_mm.engine.packages import require_package
from vitae_mm.errors import InputError


def test_a_missing_package_is_reported():
    assert require_package('pytest', 'this needs pytest') is pytest
    with pytest.raises(
        InputError,
        match=r"^this needs x \(No module named 'x_y'\): pip install -r "
        r'requirements/optional\.txt$',
    ):
        require_package('x_y', 'this needs x')
