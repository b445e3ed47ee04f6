import pytest

from vitae_mm.engine.models import without_values

from ..helpers.archs import NARROW


@pytest.mark.parametrize('name', NARROW)
def test_a_copy_without_values_has_all_entries(name):
    network, arch = NARROW[name]
    model = network(arch, frozen_stages=1)
    copy = without_values(model)
    for key, value in model.state_dict().items():
        assert copy.state_dict()[key].shape == value.shape
        assert copy.state_dict()[key].is_meta and not value.is_meta
    assert [p.requires_grad for p in copy.parameters()] == [
        p.requires_grad for p in model.parameters()
    ]
