"""What the checks of a config's data say."""

import pytest

from vitae_mm.engine.preflight import check_data
from vitae_mm.errors import InputError


def complaint(cfg, split='train'):
    """The message with which they refuse."""
    with pytest.raises(InputError) as error:
        check_data(cfg, (split,))
    return str(error.value)
