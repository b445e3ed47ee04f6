import pytest

from vitae_mm.visualization.contact_sheet import evenly_spaced


@pytest.mark.parametrize(
    'total, number, places', [(10, 4, [0, 3, 6, 9]), (3, 12, [0, 1, 2]), (5, 1, [0]), (0, 12, [])]
)
def test_places_are_evenly_spaced(total, number, places):
    assert evenly_spaced(total, number) == places
