import numpy as np
import pytest
from mmdet.datasets import CocoDataset
from mmseg.datasets import BaseSegDataset

from vitae_mm.visualization.palette import class_colors, distinct_colors


def test_a_dataset_keeps_its_own_colors():
    palette = [[1, 2, 3], [4, 5, 6]]
    assert class_colors(dict(classes=('a', 'b'), palette=palette)) == dict(a=(1, 2, 3), b=(4, 5, 6))
    assert class_colors(CocoDataset.METAINFO)['person'] == (220, 20, 60)


def test_palettes_that_are_not_the_datasets_own_are_replaced():
    names = ('a', 'b', 'c')
    wanted = dict(zip(names, distinct_colors(3), strict=True))
    # of 80 other classes, as inherited by a CocoDataset with metainfo=dict(classes=...)
    assert class_colors(dict(CocoDataset.METAINFO, classes=names)) == wanted
    assert class_colors(dict(classes=names)) == wanted
    random = BaseSegDataset(metainfo=dict(classes=names), lazy_init=True).metainfo
    assert len(random['palette']) == 3 and class_colors(random) == wanted


@pytest.mark.parametrize('number, distance', [(10, 80), (20, 70), (80, 40)])
def test_colors_are_told_apart(number, distance):
    colors = np.array(distinct_colors(number), float)
    apart = np.linalg.norm(colors[:, None] - colors, axis=-1) + 1000 * np.eye(number)
    assert apart.min() > distance
    assert distinct_colors(5) == distinct_colors(number)[:5]
