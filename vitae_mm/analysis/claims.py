"""Claims of the papers beside what was measured here, and whether that settles them."""

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import mean, variance
from typing import NamedTuple

from .tables import markdown_table

SETTLED = 2.0
"""Number of standard errors from which a difference counts."""

Scores = Mapping[str, Sequence[float]]
"""Scores of the runs of each row, by label."""


@dataclass(frozen=True)
class Claim:
    """A claim that one row is better than another.

    Attributes:
        text: The claim.
        paper: What the paper reports.
        data: Stem of the file in docs/results.
        better: Label of the row that should be better.
        worse: Label of the other row.
        section: Anchor of the section of docs/reproduction.md that describes the runs.
    """

    text: str
    paper: str
    data: str
    better: str
    worse: str
    section: str


CLAIMS = (
    Claim(
        'ViTAE-T learns more from the same images than T2T-ViT-7',
        '72.6 (100 epochs) and 71.7 (300)',
        data='data_efficiency_mini',
        better='ViTAE-T, 100 %',
        worse='T2T-ViT-7, 100 %',
        section='data-efficiency-mini',
    ),
    Claim(
        'a fifth of the images is enough to reach T2T-ViT-7',
        'about equal',
        data='data_efficiency_mini',
        better='ViTAE-T, 20 %',
        worse='T2T-ViT-7, 100 %',
        section='data-efficiency-mini',
    ),
    Claim(
        'a third of the epochs is enough to reach T2T-ViT-7',
        '72.6 and 71.7',
        data='training_efficiency_mini',
        better='ViTAE-T, 2 epochs',
        worse='T2T-ViT-7, 6 epochs',
        section='length-of-training-mini',
    ),
    Claim(
        'reduction cells help',
        '71.7 and 68.7',
        data='cells_mini',
        better='RC',
        worse='baseline',
        section='reduction-and-normal-cells-mini',
    ),
    Claim(
        'normal cells help',
        '69.9 and 68.7',
        data='cells_mini',
        better='NC',
        worse='baseline',
        section='reduction-and-normal-cells-mini',
    ),
    Claim(
        'both cells are better than reduction cells alone',
        '72.6 and 71.7',
        data='cells_mini',
        better='RC and NC',
        worse='RC',
        section='reduction-and-normal-cells-mini',
    ),
    Claim(
        'reduction cells help more than normal cells',
        '71.7 and 69.9',
        data='cells_mini',
        better='RC',
        worse='NC',
        section='reduction-and-normal-cells-mini',
    ),
    Claim(
        "CeiT's image-to-tokens helps",
        '73.4 and 72.2',
        data='ceit_parts_mini',
        better='I2T',
        worse='none',
        section='parts-of-ceit-mini',
    ),
    Claim(
        "CeiT's local feed-forward helps",
        '74.3 and 72.2',
        data='ceit_parts_mini',
        better='LeFF',
        worse='none',
        section='parts-of-ceit-mini',
    ),
    Claim(
        "CeiT's layer-wise class attention helps",
        '72.8 and 72.2',
        data='ceit_parts_mini',
        better='LCA',
        worse='none',
        section='parts-of-ceit-mini',
    ),
    Claim(
        "all of CeiT's parts are better than the best one",
        '76.4 and 74.3',
        data='ceit_parts_mini',
        better='all',
        worse='LeFF',
        section='parts-of-ceit-mini',
    ),
    Claim(
        'windows in all stages are worse than in the first two',
        'by 0.4',
        data='attention_mini',
        better='W W F F',
        worse='W W W W',
        section='kinds-of-attention-and-positions-in-windows-mini',
    ),
    Claim(
        'full attention after the first stage is better than after the second',
        'by 0.1',
        data='attention_mini',
        better='W F F F',
        worse='W W F F',
        section='kinds-of-attention-and-positions-in-windows-mini',
    ),
    Claim(
        'shifted windows with relative positions help a little',
        'by about 0.1',
        data='window_position_mini',
        better='both',
        worse='neither',
        section='kinds-of-attention-and-positions-in-windows-mini',
    ),
    Claim(
        'parallel convs help after masked pretraining',
        'kernel 3 slightly above 0',
        data='pretraining_kernel_mini',
        better='kernel 3',
        worse='kernel 0',
        section='kernels-in-masked-pretraining-mini',
    ),
    Claim(
        'kernel 1 in pretraining and 3 in finetuning is best',
        'best',
        data='pretraining_kernel_mini',
        better='kernel 1 -> 3',
        worse='kernel 3',
        section='kernels-in-masked-pretraining-mini',
    ),
)


class Difference(NamedTuple):
    """A difference of two means, with its standard error."""

    value: float
    error: float

    @property
    def verdict(self) -> str:
        """``'holds'``, ``'does not hold'`` or ``'not settled'``, with the number of standard
        errors."""
        errors = self.value / self.error
        if abs(errors) < SETTLED:
            return f'not settled ({errors:+.1f} SE)'
        return f'{"holds" if errors > 0 else "does not hold"} ({errors:+.1f} SE)'


def read_scores(path: Path) -> Scores:
    """Reads the ``results.csv`` of tools/reproduce.py; runs that diverged are left out."""
    scores = defaultdict(list)
    with path.open() as file:
        for line in csv.DictReader(file):
            *_, score = line.values()
            if score:
                scores[line['label']].append(float(score))
    return scores


def difference(scores: Scores, better: str, worse: str) -> Difference:
    """Returns the difference of the means of two rows.

    Its standard error is s * sqrt(1/m + 1/n) for m and n runs, where s^2 is the mean variance over
    the seeds of all rows: two or three seeds of one row say too little about its own.
    """
    variances = [variance(row) for row in scores.values() if len(row) > 1]
    error = sqrt(mean(variances) * sum(1 / len(scores[row]) for row in (better, worse)))
    return Difference(mean(scores[better]) - mean(scores[worse]), error)


def claims_table(claims: Sequence[Claim], folder: Path) -> str:
    """Returns a Markdown table with a line for each claim, from the CSV files in a folder."""
    lines = [['claim', 'paper', 'here', 'verdict']]
    for claim in claims:
        scores = read_scores(folder / f'{claim.data}.csv')
        found = difference(scores, claim.better, claim.worse)
        here = (
            f'{mean(scores[claim.better]):.1f} and {mean(scores[claim.worse]):.1f}: '
            f'{found.value:+.1f} ([data](results/{claim.data}.csv))'
        )
        lines.append([f'[{claim.text}](#{claim.section})', claim.paper, here, found.verdict])
    return markdown_table(lines)
