"""Charts of scores."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

MAX_NAMED, MAX_NUMBERED = 100, 20
"""Maximum numbers of classes whose names, and whose fractions, are written into a confusion
matrix."""

MAX_CURVES = 12
"""Maximum number of classes with a curve of their own."""

MAX_BARS = 60
"""Of more bars, only the lowest are drawn."""


def draw_curves(
    curves: Mapping[str, np.ndarray],
    recall: np.ndarray,
    *,
    colors: Mapping[str, Sequence[int]],
    title: str,
) -> Figure:
    """Draws precision-recall curves of classes and their mean, with the area under each.

    Args:
        curves: Precision by class, (R,); -1 throughout for classes without objects.
        recall: (R,).
        colors: RGB color of each class.
        title: Title of the chart.
    """
    figure = Figure(figsize=(7, 5), layout='constrained')
    panel = figure.subplots()
    known = {name: curve for name, curve in curves.items() if (curve > -1).all()}
    lines = []  # a legend made without them would leave out names like _background_
    if len(known) <= MAX_CURVES:
        for name, curve in known.items():
            color = np.array(colors[name]) / 255
            lines += panel.plot(recall, curve, color=color, label=f'{name}: {curve.mean():.3f}')
    if known:
        mean = np.mean(list(known.values()), axis=0)
        label = f'mean: {mean.mean():.3f}'
        lines += panel.plot(recall, mean, color='black', linewidth=3, label=label)
        panel.legend(
            lines,
            [str(line.get_label()) for line in lines],
            title='average precision',
            loc='center left',
            bbox_to_anchor=(1, 0.5),
        )
    panel.set(title=title, xlabel='recall', ylabel='precision', xlim=(0, 1.01), ylim=(0, 1.01))
    panel.grid(alpha=0.3)
    return figure


def draw_bars(
    groups: Mapping[str, Mapping[str, float]], colors: Mapping[str, Sequence[int]]
) -> Figure:
    """Draws a panel of horizontal bars for each group, with the same rows in the order of the
    dataset.

    Args:
        groups: Values by name, by the label of the axis. Values that are not finite have no bar.
        colors: RGB colors by name.
    """
    first = next(iter(groups.values()))
    names = list(first)
    if len(names) > MAX_BARS:
        lowest = sorted(names, key=lambda name: np.nan_to_num(first[name], nan=np.inf))
        names = sorted(lowest[:MAX_BARS], key=names.index)
    figure = Figure(figsize=(2 + 4 * len(groups), 1.2 + 0.26 * len(names)), layout='constrained')
    panels = figure.subplots(1, len(groups), squeeze=False, sharey=True)[0]
    for panel, (label, values) in zip(panels, groups.items(), strict=True):
        lengths = [np.nan_to_num(values[name]) for name in names]
        shades = [np.array(colors.get(name, (70, 110, 180))) / 255 for name in names]
        bars = panel.barh(range(len(names)), lengths, color=shades)
        texts = [f'{values[name]:.3g}' if np.isfinite(values[name]) else '-' for name in names]
        panel.bar_label(bars, texts, padding=3, fontsize=8)
        panel.set_xlabel(label)
        panel.set_xlim(0, 1.15 * max(*lengths, 1e-6))
        panel.spines[['top', 'right']].set_visible(False)
    panels[0].set_yticks(range(len(names)), names, fontsize=8)
    panels[0].set_ylim(len(names) - 0.4, -0.6)
    if len(names) < len(first):
        figure.suptitle(f'the {len(names)} lowest of {len(first)}', fontsize=9)
    return figure


def draw_confusion(counts: np.ndarray, classes: Sequence[str], title: str) -> Figure:
    """Draws a confusion matrix as fractions of each true class; rows of absent classes stay gray.

    Args:
        counts: (C, C), a row for each true class and a column for each predicted class.
        classes: C names.
        title: Title of the chart.
    """
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, where=totals > 0, out=np.full(counts.shape, np.nan))
    side = 4 + 0.22 * len(classes) if len(classes) <= MAX_NAMED else 10
    figure = Figure(figsize=(side + 1, side), layout='constrained')
    panel = figure.subplots()
    image = panel.imshow(shares, vmin=0, vmax=1, cmap='Blues')
    figure.colorbar(image, label='fraction of the true class', shrink=0.8)
    panel.set(title=title, xlabel='predicted class', ylabel='true class', facecolor='lightgray')
    if len(classes) <= MAX_NAMED:
        panel.set_xticks(range(len(classes)), classes, rotation=90, fontsize=8)
        panel.set_yticks(range(len(classes)), classes, fontsize=8)
    if len(classes) <= MAX_NUMBERED:
        for row, column in np.argwhere(shares >= 0.005):
            share = shares[row, column]
            style: dict[str, Any] = dict(fontsize=6, ha='center', va='center')
            style['color'] = 'white' if share > 0.6 else 'black'
            panel.text(column, row, f'{share:.2f}', **style)
    return figure
