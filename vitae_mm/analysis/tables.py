"""Tables in Markdown files."""

import re
from collections.abc import Sequence
from pathlib import Path

from vitae_mm.errors import InputError


def markdown_table(lines: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table. The first line has the titles of the columns."""
    titles, *rows = lines
    table = (f'| {" | ".join(line)} |\n' for line in (titles, ['---'] * len(titles), *rows))
    return ''.join(re.sub(r'\|\s+(?=\|)', '| ', row) for row in table)


def filled(path: Path, tables: dict[str, str]) -> str:
    """Returns the text of a file with tables filled in.

    Args:
        path: The file.
        tables: Tables by name. Each replaces what is between the lines ``<!-- NAME -->`` and
            ``<!-- end of NAME -->``.

    Raises:
        InputError: If the file does not have these lines.
    """
    text = path.read_text() if path.exists() else ''
    for name, table in tables.items():
        start, end = f'<!-- {name} -->', f'<!-- end of {name} -->'
        place = re.search(f'(?<={start}\n).*?(?={end})', text, re.DOTALL)
        if not place:
            raise InputError(
                f'{path} has no lines {start} and {end}: add them where the table belongs.'
            )
        text = text[: place.start()] + table + text[place.end() :]
    return text
