"""The learning rates of a run as numbers, from its real schedulers."""

from collections.abc import Sequence

import numpy as np

from .report import Report

LOW, HIGH = 0.5, 2.0
"""A rate below LOW times the configured one never gets up; one that ends HIGH times above its
lowest value after the peak comes back up."""


def report_rates(rates: np.ndarray, base: float, warm_ups: Sequence[int], report: Report) -> None:
    """Adds the learning rates of a run to the report, and remarks on schedules that do not fit the
    length of the run.

    Args:
        rates: Learning rate of each step, (N,).
        base: Learning rate in the config, after scaling.
        warm_ups: Step at which each warm-up ends.
        report: Changed in place.
    """
    total = len(rates)
    places = {0: 'start'}
    for end in warm_ups:
        if 0 < end < total:
            places[end] = 'after warm-up'
    places.setdefault(total // 2, 'halfway')
    places[total - 1] = 'end' if total > 1 else 'start'
    numbers = ', '.join(f'{rates[step]:.3g} {places[step]}' for step in sorted(places))
    report.rows.append(('rate over the run', numbers))
    late = [end for end in warm_ups if end > total]
    if late:
        report.remarks.append(
            f'the warm-up takes {max(late):,} steps, but the run has {total:,}: its learning rate '
            f'ends at {rates[-1]:.3g} instead of {base:.3g}; shorten the warm-up (end of '
            'LinearLR), or train longer.'
        )
    elif rates.max() < LOW * base:
        report.remarks.append(
            f'the learning rate never exceeds {rates.max():.3g}, but the config sets {base:.3g}: '
            'check param_scheduler.'
        )
    after_peak = rates[rates.argmax() :]
    if rates[-1] > HIGH * after_peak.min():
        report.remarks.append(
            f'the learning rate falls to {after_peak.min():.3g} and rises again to '
            f'{rates[-1]:.3g} at the end of the run: check T_max or the length of the schedule.'
        )
