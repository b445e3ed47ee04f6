"""The files of scores in docs/results."""

import pytest

from vitae_mm.analysis.published import read_published
from vitae_mm.errors import InputError

from ..helpers.commands import ROOT


def test_files_are_read_by_their_names(tmp_path):
    for path in (ROOT / 'docs/results').glob('*.csv'):
        experiment, results = read_published(path)
        assert results and experiment.metric.title
    with pytest.raises(InputError, match="'results' is not the name of an experiment and a preset"):
        read_published(tmp_path / 'results.csv')
