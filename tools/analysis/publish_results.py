#!/usr/bin/env python
"""Writes the tables and plots of docs/reproduction.md from the scores in docs/results: what was
measured, and the papers' claims beside it.

    python tools/analysis/publish_results.py
"""

from pathlib import Path

from vitae_mm.analysis.claims import FILES, tables
from vitae_mm.analysis.reproduction_report import draw, read_scores
from vitae_mm.analysis.tables import filled
from vitae_mm.engine.cli import reports_input_errors, tool_parser
from vitae_mm.io import write_text

DOCS = Path(__file__).resolve().parents[2] / 'docs'


@reports_input_errors
def main() -> None:
    tool_parser(__doc__).parse_args()
    page, results = DOCS / 'reproduction.md', DOCS / 'results'
    write_text(page, filled(page, tables(results)))
    for path in results.glob('*.csv'):
        experiment = FILES[path.stem]
        draw(experiment, read_scores(experiment, path), DOCS / 'figures' / f'{path.stem}.png')
    print(f'written: {page}, and a plot in {DOCS / "figures"} for each file of {results}')


if __name__ == '__main__':
    main()
