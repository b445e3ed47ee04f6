import runpy
import sys

import pytest
from helpers.commands import ROOT

from vitae_mm.errors import InputError

TOOL = 'tools/analysis/flops.py'
SEGMENTOR = ROOT / 'configs/seg/upernet_vitaev2_demo_12e_shapes.py'
DETECTOR = ROOT / 'configs/det/mask_rcnn_vitaev2_demo_5e_shapes.py'


@pytest.fixture
def flops(monkeypatch, capsys):
    """What the tool prints."""

    def run_here(*arguments):
        monkeypatch.setattr(sys, 'argv', [TOOL, *map(str, arguments)])
        runpy.run_path(str(ROOT / TOOL))['main'].__wrapped__()
        return capsys.readouterr().out

    return run_here


def cells(text, name):
    """The columns of a row."""
    line = next(line for line in text.splitlines() if name in line)
    return [cell.strip() for cell in line.strip('│').split('│')]


def test_parts_and_the_whole_are_in_a_table(flops):
    text = flops(DETECTOR)
    assert 'MaskRCNN, 192x256' in text
    parameters = [cells(text, name)[1] for name in ('backbone', 'all')]
    assert parameters == ['4.067M', '6.757M']
    assert cells(text, 'all')[3] == '100.0%'
    assert 'roi_head.bbox_head: for 200 regions' in text
    assert 'roi_head.mask_head: for 100 regions' in text


def test_the_size_can_be_chosen(flops):
    text = flops(DETECTOR, '--size', 96, 128)  # a fourth of its own
    assert 'MaskRCNN, 96x128' in text
    assert float(cells(text, 'neck')[2]) == pytest.approx(.627 / 4, rel=.01)


def test_what_is_not_counted_is_said(flops):
    text = flops(SEGMENTOR)
    assert cells(text, 'auxiliary_head')[2:] == ['-', '-']
    assert 'Not counted: auxiliary_head' in text


def test_a_size_of_nothing_is_refused(flops):
    with pytest.raises(InputError, match=r'--size \[0, 64\]: give height and width'):
        flops(DETECTOR, '--size', 0, 64)
