"""The plot of speed and memory relative to the first network."""

from vitae_mm.benchmark.bars import draw_bars


def row(images_per_second, form='eager'):
    return dict(form=form, images_per_second=images_per_second, peak_bytes=2**30, held_bytes=2**28)


def table(**networks):
    setting = dict(title='', mode='forward', size='32x32', batch=2, dtype='float32')
    return setting | dict(networks={name.replace('_', ' '): row for name, row in networks.items()})


def widths(panel):
    return [bar.get_width() for bar in panel.patches]


def texts(panel):
    return [text.get_text().strip() for text in panel.texts]


def test_bars_are_relative_to_the_first_network_that_was_measured():
    failed = dict(form='eager', error='insufficient memory (MemoryError)')
    first = table(a_eager=failed, b_eager=row(2.0), b_fused=row(3.0, 'fused'))
    second = table(b_eager=row(8.0), c_eager=row(4.0))
    speed, memory, other, _ = draw_bars([first, second]).axes
    assert (
        widths(speed) == [0, 1, 1.5] and widths(memory) == [0, 1, 1] and widths(other) == [1, 0.5]
    )
    assert texts(speed) == ['insufficient memory', '1.00x  (2 images/s)', '1.50x  (3 images/s)']
    assert texts(memory)[1] == '1.00x  (1 GiB, and 0.25 held)'
    assert [label.get_text() for label in speed.get_yticklabels()] == list(first['networks'])
    assert speed.get_xlabel() == 'speed relative to b eager'
    colors = [bar.get_facecolor() for bar in (*speed.patches, *other.patches)]
    assert colors[0] != colors[1] == colors[2] == colors[3] != colors[4]


def test_a_table_without_any_result_is_drawn():
    (speed, _) = draw_bars([table(a_eager=dict(form='eager', error='X: y'))]).axes
    assert texts(speed) == ['X: y']
