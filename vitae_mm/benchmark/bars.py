"""Plot of speed and memory in relation to the first network of each table."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .reasons import shorten


def draw_bars(results: Sequence[Mapping]) -> Figure:
    """Plots relative speed and peak memory as bars, with a row of two panels for each table.

    Bars are relative to the first network that could be measured. Those of one network have the
    same color in all panels, and the reason is shown for those that failed.

    Args:
        results: The ``results`` in the JSON file of ``tools/benchmark.py``.
    """
    heights = [len(result['networks']) + 2.5 for result in results]
    figure = Figure(figsize=(11, 0.27 * sum(heights)), layout='constrained')
    panels = figure.subplots(len(results), 2, squeeze=False, height_ratios=heights)
    sources = dict.fromkeys(
        _source(name, row) for result in results for name, row in result['networks'].items()
    )
    palette = colormaps['tab20' if len(sources) > 10 else 'tab10']
    colors = {source: palette(i) for i, source in enumerate(sources)}
    for result, (speed, memory) in zip(results, panels, strict=True):
        setting = f'{result["mode"]}, {result["size"]}, batch {result["batch"]}, {result["dtype"]}'
        title = ': '.join(filter(None, [result['title'], setting]))
        speed.set_title(title, loc='left', fontsize=9, fontweight='bold')
        rows = result['networks']
        done = (name for name, row in rows.items() if 'error' not in row)
        label = f'relative to {next(done, "none")}'
        for panel, key in [(speed, 'images_per_second'), (memory, 'peak_bytes')]:
            _draw(panel, rows, key, colors=colors)
            panel.set_yticks(range(len(rows)), list(rows) if panel is speed else [''] * len(rows))
            panel.tick_params(labelsize=8)
        speed.set_xlabel(f'speed {label}', fontsize=8)
        memory.set_xlabel(f'peak memory {label}', fontsize=8)
    return figure


def _draw(panel: Axes, rows: Mapping[str, Mapping], key: str, *, colors: Mapping[str, Any]) -> None:
    """Draws a bar for each row that has the key, with its amount beside it."""
    amounts = [row[key] for row in rows.values() if key in row] or [1]
    for i, (name, row) in enumerate(rows.items()):
        ratio = row.get(key, 0) / amounts[0]
        panel.barh(i, ratio, color=colors[_source(name, row)])
        panel.annotate(
            shorten(row['error']) if 'error' in row else f'{ratio:.2f}x  ({_amount(key, row)})',
            (ratio, i),
            xytext=(4, 0),
            textcoords='offset points',
            va='center',
            fontsize=8,
            color='gray' if 'error' in row else 'black',
            bbox=dict(facecolor='white', edgecolor='none', pad=0.5),
        )
    panel.axvline(1, color='black', linewidth=0.8, linestyle='--')
    # room for the texts
    panel.set_xlim(0, 1.7 * max(1, max(amounts) / amounts[0]))
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.spines[['top', 'right']].set_visible(False)


def _amount(key: str, row: Mapping) -> str:
    if key == 'images_per_second':
        return f'{row[key]:.4g} images/s'
    step, held = (f'{row[name] / 2**30:.3g}' for name in (key, 'held_bytes'))
    return f'{step} GiB, and {held} held'


def _source(name: str, row: Mapping) -> str:
    """The name of a row's network without its form."""
    return name.removesuffix(f' {row["form"]}')
