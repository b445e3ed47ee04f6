import io
import re

import numpy as np
from mmengine.config import Config
from rich.console import Console

from vitae_mm.engine.hooks import progress
from vitae_mm.engine.hooks.progress import format_scores, show_progress

from ...helpers import training

NUMBER = r'[\d.e+-]+'
PROGRESS = rf'loss {NUMBER}  lr {NUMBER}  0:00:\d\d left'


def screen_of(data, tmp_path, monkeypatch, *, terminal=False, **changes):
    """What a run with validation shows."""
    config = training.write_classifier(tmp_path / 'c.py', data, batch_size=4)
    cfg = Config.fromfile(config)
    screen = io.StringIO()
    monkeypatch.setattr(
        progress, 'Console', lambda: Console(file=screen, force_terminal=terminal, width=100)
    )
    monkeypatch.chdir(tmp_path)
    runner = training.build_runner(
        config,
        tmp_path / 'w',
        val_dataloader=cfg.test_dataloader,
        val_cfg={},
        val_evaluator=cfg.test_evaluator,
        **changes,
    )
    with show_progress(runner):
        runner.train()
    return screen.getvalue()


def test_plain_lines_for_each_epoch_and_validation(data, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, 'PLAIN_SECONDS', 1e9)
    text = screen_of(data, tmp_path, monkeypatch, **{'train_cfg.max_epochs': 2})
    patterns = [
        'training ImageClassifier for 2 epochs of 4 steps',
        r'log: w/\w+/\w+\.log',
        f'epoch 1/2  4 steps in 0:00:\\d\\d  {PROGRESS}',
        f'validation  top1 {NUMBER}',
        f'epoch 2/2  4 steps in 0:00:\\d\\d  {PROGRESS}',
        f'validation  top1 {NUMBER}',
        r'checkpoint: w/epoch_2\.pth',
    ]
    for pattern, line in zip(patterns, text.splitlines(), strict=True):
        assert re.fullmatch(pattern, line), line


def test_plain_lines_during_long_epochs(data, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, 'PLAIN_SECONDS', 0)
    text = screen_of(data, tmp_path, monkeypatch)
    assert re.findall(rf'epoch 1/1  (\d)/4  {PROGRESS}\n', text) == ['1', '2', '3']


def test_a_run_in_iterations_has_a_line_for_each_interval(data, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, 'PLAIN_SECONDS', 1e9)
    loop = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=5, val_interval=2)
    text = screen_of(data, tmp_path, monkeypatch, train_cfg=loop)
    assert re.findall(r'(step \d/5)  (\d) steps', text) == [
        ('step 2/5', '2'),
        ('step 4/5', '2'),
        ('step 5/5', '1'),
    ]
    assert text.startswith('training ImageClassifier for 5 steps\n')


def test_a_resumed_interval_has_the_steps_of_this_run(data, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, 'PLAIN_SECONDS', 1e9)
    loop = dict(_delete_=True, type='IterBasedTrainLoop', val_interval=4)
    saving = {'default_hooks.checkpoint': dict(type='CheckpointHook', by_epoch=False, interval=1)}
    screen_of(data, tmp_path, monkeypatch, train_cfg=dict(loop, max_iters=3), **saving)
    options = dict(train_cfg=dict(loop, max_iters=8), load_from=str(tmp_path / 'w/iter_3.pth'))
    text = screen_of(data, tmp_path, monkeypatch, resume=True, **options, **saving)
    assert text.startswith('training ImageClassifier for 8 steps, resumed after step 3\n')
    assert re.findall(r'(step \d/8)  (\d) steps', text) == [('step 4/8', '1'), ('step 8/8', '4')]


def test_a_terminal_has_a_bar_that_is_removed(data, tmp_path, monkeypatch):
    text = screen_of(data, tmp_path, monkeypatch, terminal=True)
    # the cursor is hidden while there is a bar
    assert text.count('\x1b[?25l') == text.count('\x1b[?25h') == 1
    assert re.search(rf'epoch 1/1  4 steps in 0:00:\d\d  {PROGRESS}\n', text)


def test_scores_of_objects_of_one_size_are_not_shown():
    scores = {'coco/bbox_mAP': 0.51234, 'coco/bbox_mAP_s': 0.1, 'coco/AP (M)': 0.2, 'classwise': []}
    assert format_scores({**scores, 'mIoU': np.float32(45.0)}) == 'bbox_mAP 0.5123  mIoU 45'
