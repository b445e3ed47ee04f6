"""Claims of the papers beside the scores in docs/results."""

from math import sqrt

import pytest

from vitae_mm.analysis.claims import CLAIMS, Difference, difference, page_tables, read_claimed
from vitae_mm.errors import InputError

from ..helpers.commands import ROOT

RESULTS = ROOT / 'docs/results'
PAGE = (ROOT / 'docs/reproduction.md').read_text()


def test_the_page_has_the_verdicts_and_tables_of_the_data():
    found = page_tables(RESULTS)
    plotted = {path.stem for path in RESULTS.glob('*.csv')}
    searched = {f'{path.stem}_search' for path in RESULTS.glob('search/*.csv')}
    assert set(found) == {'claims'} | plotted | searched
    for name, table in found.items():
        assert f'<!-- {name} -->\n{table}<!-- end of {name} -->' in PAGE
    for name in plotted | {f'{path.stem}_curves' for path in RESULTS.glob('curves/*.csv')}:
        assert f'(figures/{name}.png)' in PAGE


@pytest.mark.parametrize('claim', CLAIMS, ids=lambda claim: claim.text)
def test_claims_name_rows_of_their_data(claim):
    scores = read_claimed(RESULTS / f'{claim.file}.csv')
    assert len(scores[claim.better]) > 1 and len(scores[claim.worse]) > 1


def test_differences_have_the_standard_error_of_the_seeds(tmp_path):
    file = tmp_path / 'cells_mini.csv'
    lines = ['a,,,0,4', 'a,,,1,6', 'b,,,0,1', 'b,,,1,1', 'b,,,2,', 'alone,,,0,9', 'lost,,,0,']
    file.write_text('label,series,x,seed,accuracy/top1\n' + '\n'.join(lines))
    scores = read_claimed(file)
    assert scores == dict(a=[4, 6], b=[1, 1], alone=[9])
    # the variances are 2 and 0, with a degree of freedom each
    assert difference(scores, 'a', 'b') == pytest.approx((4, sqrt(1 * (1 / 2 + 1 / 2))))
    assert difference(scores, 'alone', 'a') == pytest.approx((4, sqrt(1 * (1 + 1 / 2))))
    with pytest.raises(InputError, match=r"no scores of 'c', only of \['a', 'b', 'alone'\]"):
        difference(scores, 'a', 'c')
    with pytest.raises(InputError, match='run it with two seeds or more'):
        difference(dict(a=[1], b=[2]), 'a', 'b')


@pytest.mark.parametrize(
    'value, verdict',
    [(6, 'holds (+3.0 SE)'), (5.8, 'not settled (+2.9 SE)'), (-6, 'does not hold (-3.0 SE)')],
)
def test_verdicts_count_standard_errors(value, verdict):
    assert Difference(value, 2).verdict == verdict
    assert Difference(value, 0).verdict.startswith('holds' if value > 0 else 'does not hold')
    assert Difference(0, 0).verdict == 'not settled (+0.0 SE)'
