"""Messages of the checks of datasets."""

import pytest

from vitae_mm.engine.rehearsal.rules import check_data
from vitae_mm.errors import InputError


def complaint(cfg, *splits):
    """The error message of the checks of these splits, by default of training and validation."""
    with pytest.raises(InputError) as error:
        check_data(cfg, splits or ('train', 'val'))
    return str(error.value)
