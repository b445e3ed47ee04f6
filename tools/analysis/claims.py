#!/usr/bin/env python
"""Writes the table of docs/reproduction.md that compares claims of the papers with the scores in
docs/results.

    python tools/analysis/claims.py
"""

from pathlib import Path

from vitae_mm.analysis.claims import CLAIMS, claims_table
from vitae_mm.analysis.tables import filled
from vitae_mm.engine.cli import reports_input_errors, tool_parser
from vitae_mm.io import write_text

DOCS = Path(__file__).resolve().parents[2] / 'docs'


@reports_input_errors
def main() -> None:
    tool_parser(__doc__).parse_args()
    page = DOCS / 'reproduction.md'
    write_text(page, filled(page, dict(claims=claims_table(CLAIMS, DOCS / 'results'))))
    print(f'written: {page}')


if __name__ == '__main__':
    main()
