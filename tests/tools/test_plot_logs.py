"""Curves of several runs in one picture."""
import json
import runpy
import sys

import pytest
from helpers.commands import ROOT, complaint, run

TOOL = 'tools/analysis/plot_logs.py'


@pytest.fixture
def runs(tmp_path):
    """Two work dirs; the second was continued from its first step."""
    def write(name, time, lines):
        folder = tmp_path / name / time / 'vis_data'
        folder.mkdir(parents=True)
        (folder / 'scalars.json').write_text('\n'.join(map(json.dumps, lines)))

    write('a', '1', [dict(loss=3., epoch=1, step=10), dict(acc=20., step=1)])
    write('b', '1', [dict(loss=9., epoch=1, step=10), dict(loss=8., epoch=1, step=20)])
    write('b', '2', [dict(loss=2., epoch=1, step=20), dict(acc=30., step=1)])
    return tmp_path / 'a', tmp_path / 'b'


def test_a_continued_run_is_one_curve(runs):
    tool = runpy.run_path(str(ROOT / TOOL))
    log = tool['read_scalars'](runs[1])
    assert tool['curve'](log, 'loss', runs[1]) == [[10, 20], [9., 2.]]
    assert not tool['has_epochs']([log], 'loss') and tool['has_epochs']([log], 'acc')


def test_a_picture_is_written(runs, tmp_path, monkeypatch):
    picture = tmp_path / 'out' / 'c.png'
    monkeypatch.setattr(sys, 'argv', [TOOL, *map(str, runs), '--keys', 'loss', 'acc', '--out',
                                      str(picture)])
    runpy.run_path(str(ROOT / TOOL), run_name='__main__')
    assert picture.read_bytes().startswith(b'\x89PNG')


@pytest.mark.slow
@pytest.mark.parametrize('options, words', [
    (['--keys', 'mAP'], "did not log 'mAP': choose from ['acc', 'epoch', 'loss', 'step']"),
    (['--keys', 'loss', '--labels', 'x', 'y'], 'one for each of the 1 runs'),
])
def test_what_is_not_there_is_named(runs, tmp_path, options, words):
    done = run('python', TOOL, runs[0], *options, '--out', tmp_path / 'c.png')
    assert words in complaint(done)
    assert not (tmp_path / 'c.png').exists()
