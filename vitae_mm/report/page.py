"""The page of a report."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1200px; padding: 0 1em }
h1 { font-size: 1.5em } h2 { font-size: 1.2em; margin-top: 2em }
table { border-collapse: collapse } .wide { overflow-x: auto }
td, th { padding: .25em .9em; border-bottom: 1px solid #ddd; text-align: right }
td:first-child, th:first-child { text-align: left }
img { max-width: 100% } figure { margin: 0 } figcaption { color: #555 }
.grid { display: grid; gap: 1em; grid-template-columns: repeat(auto-fill, minmax(400px, 1fr)) }
.left-out { background: #fff6e0; padding: .5em 1em }
footer { color: #555; font-size: .85em; margin-top: 3em }
"""


def render_page(content: Mapping[str, Any], *, charts: Sequence[str], sheet: bool) -> str:
    """Returns the HTML page of a report.

    Args:
        content: What ``report.json`` contains.
        charts: Files of the charts.
        sheet: Whether there is a contact sheet.
    """
    title = escape(f'Test of {content["about"]["config"]}')
    parts = [f'<h1>{title}</h1>', '<h2>Scores</h2>', _scores(content['scores'])]
    if content['left_out']:
        notes = ''.join(f'<li>{escape(note)}</li>' for note in content['left_out'])
        parts.append(f'<div class="left-out">Left out:<ul>{notes}</ul></div>')
    if sheet:
        parts += ['<h2>Test images</h2>', _image('contact_sheet.png', 'test images')]
    if charts:
        parts.append('<h2>Charts</h2>')
        parts += [f'<p>{_image(name, name.removesuffix(".png"))}</p>' for name in charts]
    if content['by_class']:
        parts += ['<h2>Scores by class</h2>', _by_class(content['by_class'])]
    if content['worst']:
        figures = ''.join(
            f'<figure>{_image(entry["picture"], entry["image"])}<figcaption>'
            f'{escape(entry["image"])}: {escape(entry["caption"])}</figcaption></figure>'
            for entry in content['worst']
        )
        parts += ['<h2>Worst images</h2>', f'<div class="grid">{figures}</div>']
    about = '<br>'.join(f'{escape(key)}: {escape(text)}' for key, text in content['about'].items())
    parts.append(f'<footer>{about}<br><a href="report.json">report.json</a></footer>')
    body = '\n'.join(parts)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n'
    )


def format_score(value: float) -> str:
    """Returns a score for a table; '-' if it is not known."""
    if not math.isfinite(value):
        return '-'
    return f'{value:.0f}' if value == round(value) else f'{value:.{3 if abs(value) < 1 else 2}f}'


def _image(path: str, text: str) -> str:
    return f'<a href="{escape(path)}"><img src="{escape(path)}" alt="{escape(text)}"></a>'


def _scores(scores: Mapping[str, float]) -> str:
    return _table(['metric', 'score'], [[name, format_score(v)] for name, v in scores.items()])


def _by_class(columns: Mapping[str, Mapping[str, float]]) -> str:
    names = next(iter(columns.values()))
    rows = [[name, *(format_score(values[name]) for values in columns.values())] for name in names]
    return _table(['', *columns], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return '<tr>' + ''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells) + '</tr>'

    body = ''.join(line(row, 'td') for row in rows)
    return f'<div class="wide"><table>{line(head, "th")}{body}</table></div>'
