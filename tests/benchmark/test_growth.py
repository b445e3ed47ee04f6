"""The plot of time and memory over image size."""

import math

from vitae_mm.benchmark.growth import draw_growth


def test_a_line_has_a_gap_where_a_network_failed():
    row = dict(images_per_second=1.0, peak_bytes=2**20)
    networks = {
        '32x32': dict(a=row, b=row),
        '64x48': dict(a=row, b=dict(error='insufficient memory')),
    }
    results = [
        dict(mode='forward', batch=2, dtype='float32', size=size, networks=networks[size])
        for size in networks
    ]
    time, memory = draw_growth(results).axes
    assert [list(line.get_xdata()) for line in time.lines] == [[1024, 3072]] * 2
    a, b = (line.get_ydata() for line in time.lines)
    assert list(a) == [1, 1] and b[0] == 1 and math.isnan(b[1])
    assert [label.get_text() for label in memory.get_xticklabels()] == ['32', '64x48']
