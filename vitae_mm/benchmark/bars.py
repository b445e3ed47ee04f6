"""Plot of speed and memory in relation to the first network of each table."""

from collections.abc import Mapping, Sequence

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
    heights = [len(result['networks']) + 2 for result in results]
    figure = Figure(figsize=(11, 0.3 * sum(heights) + 0.3), layout='constrained')
    panels = figure.subplots(len(results), 2, squeeze=False, height_ratios=heights)
    sources = dict.fromkeys(
        _source(name, row) for result in results for name, row in result['networks'].items()
    )
    palette = colormaps['tab20' if len(sources) > 10 else 'tab10']
    colors = {source: palette(i) for i, source in enumerate(sources)}
    for result, (speed, memory) in zip(results, panels, strict=True):
        rows = result['networks']
        keys = ('mode', 'size', 'batch', 'dtype')
        title = ', '.join(filter(None, [result['title'], *(str(result[key]) for key in keys)]))
        speed.set_title(title, loc='left', fontsize='medium', fontweight='bold')
        done = {name: row for name, row in rows.items() if 'error' not in row}
        first = next(iter(done), None)
        relative = f'relative to {first}'
        speeds = {name: row['images_per_second'] for name, row in done.items()}
        texts = {name: f'{value:.4g} images/s' for name, value in speeds.items()}
        _draw(speed, rows, speeds, texts, colors=colors)
        speed.set_xlabel(f'speed {relative}', fontsize='small')
        bytes_ = {name: row['peak_bytes'] for name, row in done.items()}
        texts = {name: f'{value / 2**30:.3g} GiB' for name, value in bytes_.items()}
        _draw(memory, rows, bytes_, texts, colors=colors)
        memory.set_xlabel(f'memory of a step {relative}', fontsize='small')
        memory.set_yticklabels([])
    return figure


def _draw(
    panel: Axes,
    rows: Mapping[str, Mapping],
    values: Mapping[str, float],
    texts: Mapping[str, str],
    *,
    colors: Mapping[str, object],
) -> None:
    """Draws a bar for each value, relative to the first, and its text or the reason beside it."""
    first = next(iter(values.values()), 1)
    for i, (name, row) in enumerate(rows.items()):
        if name not in values:
            panel.text(0, i, f' {shorten(row["error"])}', va='center', color='gray', fontsize=8)
            continue
        ratio = values[name] / first
        panel.barh(i, ratio, color=colors[_source(name, row)])
        panel.text(ratio, i, f' {ratio:.2f}x  ({texts[name]})', va='center', fontsize=8)
    panel.axvline(1, color='black', linewidth=0.8, linestyle='--')
    panel.set_yticks(range(len(rows)), list(rows), fontsize=8)
    panel.invert_yaxis()
    # room for the texts
    panel.set_xlim(0, 1.6 * max([1, *(value / first for value in values.values())]))
    panel.spines[['top', 'right']].set_visible(False)


def _source(name: str, row: Mapping) -> str:
    """The name of a row's network without its form."""
    return name.removesuffix(f' {row["form"]}')
