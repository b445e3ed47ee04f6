"""tools/analysis/plot_logs.py: curves of several runs in one picture."""

import json
import runpy

import pytest

from vitae_mm.errors import InputError

from ...helpers.commands import ROOT, complaint, run

TOOL = 'tools/analysis/plot_logs.py'


@pytest.fixture
def runs(tmp_path):
    """Two work dirs; the second was resumed from its first step."""

    def write(name, time, lines):
        folder = tmp_path / name / time / 'vis_data'
        folder.mkdir(parents=True)
        (folder / 'scalars.json').write_text('\n'.join(map(json.dumps, lines)))

    write('a', '1', [dict(loss=3.0, epoch=1, step=10), dict(acc=20.0, step=1)])
    write('b', '1', [dict(loss=9.0, epoch=1, step=10), dict(loss=8.0, epoch=1, step=20)])
    write('b', '2', [dict(loss=2.0, epoch=1, step=20), dict(acc=30.0, step=1)])
    return tmp_path / 'a', tmp_path / 'b'


def test_a_resumed_run_is_one_curve(runs):
    tool = runpy.run_path(str(ROOT / TOOL))
    log = tool['read_scalars'](runs[1])
    assert tool['curve'](log, 'loss', runs[1]) == [[10, 20], [9.0, 2.0]]
    assert not tool['has_epochs']([log], 'loss') and tool['has_epochs']([log], 'acc')


def test_runs_in_iterations_have_no_epochs():
    tool = runpy.run_path(str(ROOT / TOOL))
    log = [dict(loss=3.0, iter=10, step=10), dict(mIoU=20.0, step=10)]
    assert not tool['has_epochs']([log], 'loss') and not tool['has_epochs']([log], 'mIoU')


def test_main_metrics_of_all_runs_are_drawn_by_default():
    tool = runpy.run_path(str(ROOT / TOOL))
    box = dict({'coco/bbox_mAP': 0.1, 'coco/bbox_mAP_50': 0.3}, step=1)
    train = dict(loss=3.0, lr=0.1, step=10)
    both = [train, {**box, 'coco/segm_mAP': 0.1}]
    assert tool['shared_keys']([both]) == ['loss', 'lr', 'coco/bbox_mAP', 'coco/segm_mAP']
    assert tool['shared_keys']([both, [train, box]]) == ['loss', 'lr', 'coco/bbox_mAP']
    with pytest.raises(InputError, match=r"give --keys from \['acc', 'step'\]"):
        tool['shared_keys']([[dict(acc=1.0, step=1)], [dict(acc=2.0, step=1)]])


@pytest.mark.parametrize('keys', [['--keys', 'loss', 'acc'], []])
def test_a_picture_is_written(runs, tmp_path, run_tool, keys):
    picture = tmp_path / 'out' / 'c.png'
    run_tool(TOOL, *runs, *keys, '--out', picture)
    assert picture.read_bytes().startswith(b'\x89PNG')


@pytest.mark.slow
@pytest.mark.parametrize(
    'options, words',
    [
        (['--keys', 'mAP'], "did not log 'mAP': choose from ['acc', 'epoch', 'loss', 'step']"),
        (['--keys', 'loss', '--labels', 'x', 'y'], 'one for each of the 1 runs'),
    ],
)
def test_missing_values_are_reported(runs, tmp_path, options, words):
    done = run('python', TOOL, runs[0], *options, '--out', tmp_path / 'c.png')
    assert words in complaint(done)
    assert not (tmp_path / 'c.png').exists()
