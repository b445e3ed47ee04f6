#!/usr/bin/env python
"""Writes the tables and plots of docs/reproduction.md from the scores in docs/results: what was
measured, and the papers' claims beside it.

results.csv of tools/reproduce.py is docs/results/EXPERIMENT_PRESET.csv; its search.csv and
curves.csv have the same name in the folders search and curves there. attention_distance.csv and
robustness.csv of look_inside.py are plateau_mini_attention_distance.csv and
plateau_mini_robustness.csv.

    python tools/analysis/publish_results.py
"""

from pathlib import Path

from vitae_mm.analysis.claims import page_tables
from vitae_mm.analysis.published import read_published
from vitae_mm.analysis.reproduction_report import draw, draw_curves, read_curves
from vitae_mm.analysis.tables import filled
from vitae_mm.engine.cli import reports_input_errors, tool_parser
from vitae_mm.io import write_text

DOCS = Path(__file__).resolve().parents[2] / 'docs'


@reports_input_errors
def main() -> None:
    tool_parser(__doc__).parse_args()
    page, results = DOCS / 'reproduction.md', DOCS / 'results'
    write_text(page, filled(page, page_tables(results)))
    for path in results.glob('*.csv'):
        figure = DOCS / 'figures' / f'{path.stem}.png'
        experiment, scores = read_published(path)
        draw(experiment, scores, figure)
        curves = results / 'curves' / path.name
        if curves.exists():
            rows = (result.row for result in scores)
            found = read_curves(experiment.metric, rows, curves)
            draw_curves(experiment.metric, found, figure.with_stem(f'{path.stem}_curves'))
    print(f'written: {page}, and plots in {DOCS / "figures"} of the files in {results}')


if __name__ == '__main__':
    main()
