"""Scores on the screen."""

from rich import box
from rich.console import Console
from rich.table import Table

from .page import format_score
from .report import Report

MAX_ROWS = 20
"""Maximum number of classes that are printed."""


def print_scores(report: Report) -> None:
    """Prints the scores, and by class if there are few; as plain text if not to a terminal."""
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = 200  # lines that are read by programs are not broken
    console.print(_table(['metric', 'score'], [[k, v] for k, v in report.scores.items()]))
    columns = report.summary.table
    names = list(next(iter(columns.values()), {}))
    if 0 < len(names) <= MAX_ROWS:
        rows = [[name, *(values[name] for values in columns.values())] for name in names]
        console.print(_table(['class', *columns], rows))
    for sentence in report.left_out:
        console.print(f'report: {sentence}')


def _table(head: list[str], rows: list[list]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, name in enumerate(head):
        table.add_column(name, justify='right' if i else 'left')
    for name, *values in rows:
        table.add_row(name, *map(format_score, values))
    return table
