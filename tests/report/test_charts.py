"""Charts, by what matplotlib drew."""

import numpy as np
import pytest

from vitae_mm.report.charts import MAX_BARS, draw_bars, draw_confusion, draw_curves

COLORS = dict(a=(255, 0, 0), b=(0, 0, 255), c=(0, 255, 0))


def test_curves_have_the_colors_of_the_classes_and_their_average_precision():
    curves = dict(a=np.array([1.0, 0.5, 0.0]), b=np.array([1.0, 1.0, 0.7]), c=np.full(3, -1.0))
    figure = draw_curves(curves, np.array([0, 0.5, 1]), colors=COLORS, title='title')
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert list(lines) == ['a: 0.500', 'b: 0.900', 'mean: 0.700']  # there are no objects of c
    assert lines['b: 0.900'].get_color().tolist() == [0, 0, 1]


def test_a_class_without_a_value_has_no_bar():
    panel = draw_bars(dict(IoU=dict(a=50.0, b=float('nan'))), COLORS).axes[0]
    assert [bar.get_width() for bar in panel.patches] == [50, 0]
    assert [text.get_text() for text in panel.texts] == ['50', '-']


def test_of_many_classes_the_lowest_are_shown_in_their_order():
    values = {f'class {i}': float((7 * i) % 100) for i in range(100)}
    panel = draw_bars(dict(IoU=values), {}).axes[0]
    names = [label.get_text() for label in panel.get_yticklabels()]
    assert names == [name for name, value in values.items() if value < MAX_BARS]


def test_rows_are_shares_and_may_be_empty():
    figure = draw_confusion(np.array([[3, 1], [0, 0]]), ['a', 'b'], 'title')
    panel = figure.axes[0]
    shares = panel.images[0].get_array()
    assert shares[0].tolist() == [0.75, 0.25] and shares.mask[1].all()
    assert [text.get_text() for text in panel.texts] == ['0.75', '0.25']


@pytest.mark.parametrize('count, named', [(100, True), (101, False)])
def test_up_to_a_hundred_classes_are_named(count, named):
    names = [f'class {i}' for i in range(count)]
    panel = draw_confusion(np.eye(count), names, 'title').axes[0]
    labels = [label.get_text() for label in panel.get_yticklabels()]
    assert (labels == names) == named
    assert not panel.texts
