"""How time and memory grow with the size of images, as a picture."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import nan, prod

from matplotlib.figure import Figure

SETTING = ('mode', 'batch', 'dtype')
NONE = dict(median=nan, peak_bytes=nan)


def draw_growth(results: Sequence[Mapping]) -> Figure:
    """Time and memory of an image by the number of its pixels, on logarithmic
    axes: a row of panels for each mode, batch and dtype, a line for each network.

    Args:
        results: What ``tools/benchmark.py`` writes as ``results``. A line ends
            where the memory did not suffice.
    """

    def setting(result: Mapping) -> tuple:
        return tuple(result[key] for key in SETTING)

    rows = {key: list(group) for key, group in groupby(sorted(results, key=setting), setting)}
    figure = Figure(figsize=(7, 3.1 * len(rows)), layout='constrained')
    panels = figure.subplots(len(rows), 2, squeeze=False)
    for (mode, batch, dtype), (time, memory) in zip(rows, panels):
        group = rows[mode, batch, dtype]
        pixels = [prod(map(int, result['size'].split('x'))) for result in group]
        for name in group[0]['networks']:
            figures = [result['networks'][name] or NONE for result in group]
            time.plot(pixels, [row['median'] / batch for row in figures], marker='.', label=name)
            memory.plot(
                pixels,
                [row['peak_bytes'] / batch / 2**20 for row in figures],
                marker='.',
                label=name,
            )
        time.set(ylabel='time of an image (s)', title=f'{mode}, batch {batch}, {dtype}')
        memory.set(ylabel='memory of an image (MiB)')
        for panel in (time, memory):
            panel.set(xlabel='size (pixels)', xscale='log', yscale='log')
            panel.set_xticks(pixels, [_side(result['size']) for result in group])
            panel.minorticks_off()
            panel.grid(alpha=0.3)
        time.legend(fontsize='small')
    return figure


def _side(size: str) -> str:
    height, width = size.split('x')
    return height if height == width else size
