"""Plot of time and memory over image size."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import nan, prod

from matplotlib.figure import Figure


def draw_growth(results: Sequence[Mapping]) -> Figure:
    """Plots time and memory per image over the number of pixels, on logarithmic axes.

    There is a row of panels for each mode, batch and dtype, and a line for each network, with gaps
    where it could not be measured.

    Args:
        results: The ``results`` in the JSON file of ``tools/benchmark.py``.
    """

    def setting(result: Mapping) -> tuple:
        return result['mode'], result['batch'], result['dtype']

    groups = [list(group) for _, group in groupby(sorted(results, key=setting), setting)]
    figure = Figure(figsize=(7, 3.1 * len(groups)), layout='constrained')
    panels = figure.subplots(len(groups), 2, squeeze=False)
    for group, (time, memory) in zip(groups, panels, strict=True):
        mode, batch, dtype = setting(group[0])
        sizes = [tuple(map(int, result['size'].split('x'))) for result in group]
        pixels = [prod(size) for size in sizes]
        for name in group[0]['networks']:
            rows = [result['networks'][name] for result in group]
            seconds = [1 / row.get('images_per_second', nan) for row in rows]
            time.plot(pixels, seconds, marker='.', label=name)
            mebibytes = [row.get('peak_bytes', nan) / batch / 2**20 for row in rows]
            memory.plot(pixels, mebibytes, marker='.', label=name)
        time.set(ylabel='time per image (s)', title=f'{mode}, batch {batch}, {dtype}')
        memory.set(ylabel='memory per image (MiB)')
        for panel in (time, memory):
            panel.set(xlabel='size (pixels)', xscale='log', yscale='log')
            panel.set_xticks(pixels, [f'{h}' if h == w else f'{h}x{w}' for h, w in sizes])
            panel.minorticks_off()
            panel.grid(alpha=0.3)
        time.legend(fontsize='small')
    return figure
