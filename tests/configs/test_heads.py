"""Our backbones in the families of the zoos, against the table in docs/heads.md."""

import pytest

from ..helpers.heads import BACKBONES, LIMITS, PASSED, families, outcome
from ..helpers.heads_table import NOT_RUN, PAGE, read_rows, versions


@pytest.mark.exhaustive
@pytest.mark.parametrize('backbone', BACKBONES)
@pytest.mark.parametrize('family', families(), ids=lambda family: family.name)
def test_families_train_and_predict(family, backbone):
    found = outcome(family, backbone)
    config, *listed = read_rows().get(family.name, (None,))
    # other versions of a codebase can have other configs
    if config == family.path and NOT_RUN not in listed:
        assert found == listed[list(BACKBONES).index(backbone)]
    if found != PASSED:
        pytest.xfail(found)


def test_the_page_lists_every_family():
    rows = read_rows()
    assert set(LIMITS) <= set(rows)
    if versions() not in PAGE.read_text():
        pytest.skip('the page was written with other versions')
    assert {name: config for name, (config, *_) in rows.items()} == {
        family.name: family.path for family in families()
    }
