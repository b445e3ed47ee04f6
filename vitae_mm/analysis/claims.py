"""Claims of the papers beside what was measured here, and whether that settles them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import copysign, inf, sqrt
from pathlib import Path
from statistics import mean, variance
from typing import NamedTuple

from vitae_mm.errors import InputError

from . import papers
from .own_data import BACKBONES
from .published import PUBLISHED, read_published
from .reproduction_report import markdown, search_table
from .tables import markdown_table

SETTLED = 3.0
"""Number of standard errors from which a difference counts: a two-sided confidence of 94 to 99 %
with the 3 to 18 degrees of freedom of the experiments."""

SECTIONS = dict(
    data_efficiency_mini='data-efficiency-mini',
    training_efficiency_mini='length-of-training-mini',
    cells_mini='reduction-and-normal-cells-mini',
    ceit_parts_mini='parts-of-ceit-mini',
    attention_mini='kinds-of-attention-and-positions-in-windows-mini',
    window_position_mini='kinds-of-attention-and-positions-in-windows-mini',
    pretraining_kernel_mini='kernels-in-masked-pretraining-mini',
    droplets_own_data='instances-droplets',
    plateau_mini='attention-distance-and-robustness-after-40-epochs-mini',
    plateau_mini_attention_distance='attention-distance-and-robustness-after-40-epochs-mini',
)
"""Anchors of docs/reproduction.md by file."""

Scores = Mapping[str, Sequence[float]]
"""Scores of the runs of each row, by label."""


@dataclass(frozen=True)
class Claim:
    """A claim that one row is better than another.

    Attributes:
        text: The claim.
        file: Key of :data:`PUBLISHED`.
        better: Label of the row that should have the higher score.
        worse: Label of the other row.
        paper: What the paper reports. Defaults to its figures of both rows.
    """

    text: str
    file: str
    better: str
    worse: str
    paper: str = ''

    def reported(self) -> str:
        """Returns what the paper reports."""
        figures = PUBLISHED[self.file].paper.rows
        return self.paper or f'{figures[self.better]} and {figures[self.worse]}'


def _task_claims(
    task: str, what: str, scores: Mapping[str, tuple], config: str, data: str
) -> Iterator[Claim]:
    """Yields the claims that ViTAEv2-S is better than each other backbone, with all and with 20 %
    of the training images.

    Args:
        task: Key of :data:`vitae_mm.analysis.own_data.TASKS`.
        what: What the task is about.
        scores: The paper's scores by name of the config; the first of each is compared.
        config: Names of the paper's configs, with a field for the backbone.
        data: The paper's dataset.
    """
    (ours, our_network), *others = BACKBONES.items()
    for percent in (100, 20):
        for label, network in others:
            paper = 'no figures'
            if percent == 100 and config.format(network) in scores:
                pair = (scores[config.format(name)][0] for name in (our_network, network))
                paper = f'{" and ".join(map(str, pair))} ({data})'
            share = '' if percent == 100 else f' with {percent} % of the images'
            yield Claim(
                f'{what}: {ours} is better than {label}{share}',
                f'{task}_own_data',
                f'{ours}, {percent} %',
                f'{label}, {percent} %',
                paper,
            )


CLAIMS = (
    Claim(
        'ViTAE-T learns more from the same images than T2T-ViT-7',
        'data_efficiency_mini',
        'ViTAE-T, 100 %',
        'T2T-ViT-7, 100 %',
        paper='72.6 (100 epochs) and 71.7 (300)',
    ),
    Claim(
        'a fifth of the images is enough to reach T2T-ViT-7',
        'data_efficiency_mini',
        'ViTAE-T, 20 %',
        'T2T-ViT-7, 100 %',
        paper='about equal',
    ),
    Claim(
        'a third of the epochs is enough to pass T2T-ViT-7',
        'training_efficiency_mini',
        'ViTAE-T, 2 epochs',
        'T2T-ViT-7, 6 epochs',
        paper='72.6 and 71.7',
    ),
    Claim('reduction cells help', 'cells_mini', 'RC', 'baseline'),
    Claim('normal cells help', 'cells_mini', 'NC', 'baseline'),
    Claim('both cells are better than reduction cells alone', 'cells_mini', 'RC and NC', 'RC'),
    Claim('both cells are better than normal cells alone', 'cells_mini', 'RC and NC', 'NC'),
    Claim('reduction cells help more than normal cells', 'cells_mini', 'RC', 'NC'),
    Claim("CeiT's image-to-tokens helps", 'ceit_parts_mini', 'I2T', 'none'),
    Claim("CeiT's local feed-forward helps", 'ceit_parts_mini', 'LeFF', 'none'),
    Claim("CeiT's layer-wise class attention helps", 'ceit_parts_mini', 'LCA', 'none'),
    Claim("all of CeiT's parts are better than the best one", 'ceit_parts_mini', 'all', 'LeFF'),
    Claim(
        'windows in all stages are worse than in the first two',
        'attention_mini',
        'W W F F',
        'W W W W',
        paper='by 0.4',
    ),
    Claim(
        'windows in three stages are worse than in the first two',
        'attention_mini',
        'W W F F',
        'W W W F',
        paper='by 0.4',
    ),
    Claim(
        'windows in the first stage alone are better than in the first two',
        'attention_mini',
        'W F F F',
        'W W F F',
        paper='by 0.1',
    ),
    Claim(
        'shifted windows with relative positions help a little',
        'window_position_mini',
        'both',
        'neither',
        paper='by about 0.1',
    ),
    Claim(
        'parallel convs help after masked pretraining',
        'pretraining_kernel_mini',
        'kernel 3',
        'kernel 0',
        paper='slightly better',
    ),
    Claim(
        'kernel 1 in pretraining and 3 in finetuning is better than 3 in both',
        'pretraining_kernel_mini',
        'kernel 1 -> 3',
        'kernel 3',
        paper='best',
    ),
    Claim(
        'ViTAE-T is still ahead of T2T-ViT-7 after 40 epochs',
        'plateau_mini',
        'ViTAE-T',
        'T2T-ViT-7',
        paper='75.3 and 71.7 (300 epochs)',
    ),
    *(
        Claim(
            f'the attention of layer {layer} reaches farther in ViTAE-T than in T2T-ViT-7',
            'plateau_mini_attention_distance',
            f'ViTAE-T, layer {layer}',
            f'T2T-ViT-7, layer {layer}',
            paper='in shallow layers (pixels here)',
        )
        for layer in (1, 2, 3)
    ),
    *_task_claims('droplets', 'instances', papers.COCO, 'mask_rcnn_{}_1x', 'COCO, box AP'),
)


class Difference(NamedTuple):
    """A difference of two means, with its standard error."""

    value: float
    error: float

    @property
    def verdict(self) -> str:
        """``'holds'``, ``'does not hold'`` or ``'not settled'``, with the number of standard
        errors."""
        errors = round(self.value / self.error, 1) if self.error else copysign(inf, self.value)
        if not self.value:
            errors = 0.0
        if abs(errors) < SETTLED:
            return f'not settled ({errors:+.1f} SE)'
        return f'{"holds" if errors > 0 else "does not hold"} ({errors:+.1f} SE)'


def read_claimed(path: Path) -> Scores:
    """Reads the scores in a file of docs/results; runs that diverged are left out."""
    _, results = read_published(path)
    return {result.row.label: result.found for result in results if result.found}


def difference(scores: Scores, better: str, worse: str) -> Difference:
    """Returns the difference of the means of two rows.

    Its standard error is s * sqrt(1/m + 1/n) for m and n runs, with the variance s^2 over the
    seeds pooled from all rows, as the variance of two or three seeds of one row is too uncertain.

    Raises:
        InputError: If a row has no scores, or no row has two.
    """
    for label in (better, worse):
        if label not in scores:
            raise InputError(f'no scores of {label!r}, only of {list(scores)}: run all rows.')
    rows = [row for row in scores.values() if len(row) > 1]
    if not rows:
        raise InputError('each row has one score: run it with two seeds or more.')
    pooled = sum(variance(row) * (len(row) - 1) for row in rows) / sum(len(row) - 1 for row in rows)
    error = sqrt(pooled * sum(1 / len(scores[row]) for row in (better, worse)))
    return Difference(mean(scores[better]) - mean(scores[worse]), error)


def claims_table(claims: Sequence[Claim], folder: Path) -> str:
    """Returns a Markdown table with a line for each claim, from the CSV files in a folder."""
    names = {claim.file for claim in claims}
    files = {name: read_claimed(folder / f'{name}.csv') for name in names}
    lines = [['claim', 'paper', 'here', 'verdict']]
    for claim in claims:
        scores = files[claim.file]
        found = difference(scores, claim.better, claim.worse)
        here = (
            f'{mean(scores[claim.better]):.1f} and {mean(scores[claim.worse]):.1f}: '
            f'{found.value:+.1f} ([data](results/{claim.file}.csv))'
        )
        lines.append(
            [f'[{claim.text}](#{SECTIONS[claim.file]})', claim.reported(), here, found.verdict]
        )
    return markdown_table(lines)


def page_tables(folder: Path) -> dict[str, str]:
    """Returns the Markdown tables of docs/reproduction.md by name: that of the claims, and one for
    each CSV file in a folder and its folder ``search``."""
    found = dict(claims=claims_table(CLAIMS, folder))
    for path in sorted(folder.glob('*.csv')):
        found[path.stem] = markdown(*read_published(path))
    for path in sorted(folder.glob('search/*.csv')):
        found[f'{path.stem}_search'] = search_table(*read_published(path))
    return found
