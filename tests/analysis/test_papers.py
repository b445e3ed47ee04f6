"""Everything that repeats the figures of vitae_mm/analysis/papers.py agrees with them."""

import re
import runpy

import pytest
import yaml

from vitae_mm.analysis.experiments import EXPERIMENTS
from vitae_mm.analysis.papers import SCORES

from ..helpers.commands import ROOT

FOLDERS = sorted(path.parent for path in ROOT.glob('configs/*/metafile.yml'))
SHORT = {
    'Top 1 Accuracy': 'top-1',
    'Top 5 Accuracy': 'top-5',
    'ReaL Accuracy': 'ReaL',
    'mIoU, multi-scale': 'multi-scale',
}
"""Names of scores in the first lines of configs, where they differ from the metafiles'."""


def cells(line):
    return [cell.strip() for cell in line.strip().strip('|').split('|')]


def tables(text):
    """The rows of all Markdown tables of a text, as cells by column."""
    for table in re.findall(r'(?:^\|.*\n)+', text, re.MULTILINE):
        titles, _, *rows = map(cells, table.splitlines())
        yield from (dict(zip(titles, row, strict=True)) for row in rows)


def test_configs_begin_with_their_scores():
    found = {}
    for path in ROOT.glob('configs/*/*.py'):
        pattern = r'^# (.*): ((?:, )?(?:top-1|top-5|ReaL|(?:\w+ )?AP|mIoU|multi-scale) \d.*)\.$'
        lines = re.findall(pattern, path.read_text(), re.MULTILINE)
        if lines:
            ((source, scores),) = lines
            found[path.stem] = source, scores
    assert found == {
        name: (
            scores.source,
            ', '.join(f'{SHORT.get(key, key)} {value}' for key, value in scores.metrics.items()),
        )
        for name, scores in SCORES.items()
    }


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda folder: folder.name)
def test_metafiles_and_their_tables_have_the_scores(folder):
    tool = runpy.run_path(str(ROOT / 'tools/model_zoo.py'))
    models = yaml.safe_load((folder / 'metafile.yml').read_text())['Models']
    for model in models:
        before = yaml.safe_dump(model)
        tool['enter_scores'](model)
        assert yaml.safe_dump(model) == before
    readme = folder / 'README.md'
    assert readme.read_text() == tool['with_tables'](readme, models)


def test_every_config_of_a_paper_is_in_a_table():
    listed = ''.join((folder / 'README.md').read_text() for folder in FOLDERS)
    # the fractions of ImageNet have no table
    assert [name for name in SCORES if f'({name}.py)' not in listed] == [
        'vitae_h_mae_50e_in1k_subset'
    ]


def test_reproduced_results_stand_beside_the_papers():
    page = (ROOT / 'docs/reproduction.md').read_text()
    compared = set()
    for section in re.split('^##+ ', page, flags=re.MULTILINE):
        paper = {
            label: str(figure)
            for name in re.findall(r'tools/reproduce\.py (\w+) --preset', section)
            for label, figure in EXPERIMENTS[name].paper.rows.items()
        }
        for row in tables(section):
            if 'paper, ImageNet' in row:
                label = row[''].removeprefix('W W F F, ')
                assert row['paper, ImageNet'] == paper.get(label, '-')
                compared.add(label)
    assert {'ViTAE-T, 20 %', 'RC and NC', 'LCA', 'W W W W', 'both', 'kernel 3'} < compared


@pytest.mark.parametrize('page', ['README.md', 'docs/models.md'])
def test_the_list_of_models_has_the_scores(page):
    rows = [row for row in tables((ROOT / page).read_text()) if 'ImageNet top-1' in row]
    assert len(rows) == 13
    for row in rows:
        model = row['model'].lower().replace('-', '_')
        at_224, at_384 = (
            next((SCORES[name].metrics for name in SCORES if re.fullmatch(pattern, name)), {})
            for pattern in (rf'{model}(_mae)?_\d+e_in1k', rf'{model}_384_\d+e_in1k')
        )
        for column, metrics, name in (
            ('ImageNet top-1', at_224, 'Top 1 Accuracy'),
            ('top-5', at_224, 'Top 5 Accuracy'),
            ('ReaL', at_224, 'ReaL Accuracy'),
            ('top-1 at 384', at_384, 'Top 1 Accuracy'),
        ):
            expected = str(metrics.get(name, ''))
            assert row.get(column, expected) == expected, row
