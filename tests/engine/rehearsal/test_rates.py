"""Remarks on learning rate schedules."""

import numpy as np
import pytest

from vitae_mm.engine.rehearsal.rates import report_rates
from vitae_mm.engine.rehearsal.report import Report

WARM_UP = np.linspace(0.01, 1, 10)
COSINE = (1 + np.cos(np.linspace(0, np.pi, 90))) / 2


def report(rates, base=1.0, warm_ups=()):
    found = Report()
    report_rates(np.asarray(rates), base=base, warm_ups=warm_ups, report=found)
    return found


def test_rates_are_listed_with_their_places():
    found = report(np.concatenate([WARM_UP, COSINE]), warm_ups=[10])
    assert found.rows == [
        ('rate over the run', '0.01 start, 1 after warm-up, 0.579 halfway, 0 end')
    ]
    assert not found.remarks


@pytest.mark.parametrize(
    'rates, warm_ups',
    [([1.0] * 100, []), (np.repeat([1, 0.1, 0.01], 30), []), (COSINE, []), ([1.0], [])],
)
def test_usual_schedules_are_not_remarked_on(rates, warm_ups):
    assert not report(rates, warm_ups=warm_ups).remarks


def test_a_warm_up_beyond_the_end_is_remarked_on():
    (remark,) = report(WARM_UP[:4], warm_ups=[10]).remarks
    assert remark.startswith('the warm-up takes 10 steps, but the run has 4')


def test_a_rate_that_never_gets_up_is_remarked_on():
    (remark,) = report([0.1] * 50).remarks
    assert 'never exceeds 0.1, but the config sets 1' in remark


def test_a_rate_that_comes_back_up_is_remarked_on():
    (remark,) = report(np.concatenate([COSINE, COSINE[::-1][:60]])).remarks
    assert 'falls to 0 and rises again to' in remark
