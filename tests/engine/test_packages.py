import json

import pytest

from vitae_mm.engine.packages import require_package
from vitae_mm.errors import InputError


def test_a_package_is_imported_or_named():
    assert require_package('json', 'this needs json') is json
    with pytest.raises(
        InputError,
        match=r"^this needs x \(No module named 'x_y'\): pip install -r "
        r'requirements/optional.txt$',
    ):
        require_package('x_y', 'this needs x')
