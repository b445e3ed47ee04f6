from functools import partial

import pytest

from vitae_mm.engine.config import load_config
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError

from ...helpers.commands import ROOT

TOOL = 'tools/analysis/flops.py'
SEGMENTOR = ROOT / 'configs/seg/upernet_vitaev2_demo_10e_shapes.py'
DETECTOR = ROOT / 'configs/det/mask_rcnn_vitaev2_demo_4e_shapes.py'


@pytest.fixture
def flops(run_tool):
    return partial(run_tool, TOOL)


def cells(text, name):
    """The columns of a row."""
    line = next(line for line in text.splitlines() if name in line)
    return [cell.strip() for cell in line.strip('│').split('│')]


def test_parts_and_the_whole_are_in_a_table(flops):
    text = flops(DETECTOR)
    assert 'MaskRCNN, 144x192' in text
    model = build_model(load_config(DETECTOR))
    for name, part in (('backbone', model.backbone), ('all', model)):
        count = sum(parameter.numel() for parameter in part.parameters())
        assert cells(text, name)[1] == f'{count / 1e6:.3f}M'
    assert cells(text, 'all')[3] == '100.0%'
    tested = load_config(DETECTOR).model.test_cfg
    for head, count in (('bbox', tested.rpn.max_per_img), ('mask', tested.rcnn.max_per_img)):
        assert f'roi_head.{head}_head: counted for {count} regions' in text


def test_the_size_can_be_chosen(flops):
    text = flops(DETECTOR, '--size', 96, 128)
    assert 'MaskRCNN, 96x128' in text
    cfg = load_config(DETECTOR)
    dim = cfg.model.neck.out_channels
    # each map has a 1x1 and a 3x3 convolution
    macs = sum(
        96 // stride * (128 // stride) * dim * (channels + 9 * dim)
        for stride, channels in zip((4, 8, 16, 32), cfg.channels, strict=True)
    )
    assert cells(text, 'neck')[2] == f'{macs / 1e9:.3f}'


def test_parts_that_are_not_counted_are_reported(flops):
    text = flops(SEGMENTOR)
    assert cells(text, 'auxiliary_head')[2:] == ['-', '-']
    assert 'Not counted: auxiliary_head' in text


def test_an_empty_size_is_rejected(flops):
    with pytest.raises(InputError, match=r'--size \[0, 64\]: give height and width'):
        flops(DETECTOR, '--size', 0, 64)
