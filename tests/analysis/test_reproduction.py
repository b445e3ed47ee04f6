"""State, resuming and results of a reproduction, with commands that only write files."""

import json
import re
import sys
import time
from pathlib import Path

import pytest

from vitae_mm.analysis.experiments import Experiment, Row, Training
from vitae_mm.analysis.papers import Figures
from vitae_mm.analysis.reproduction import (
    Run,
    Workers,
    check_request,
    locked,
    plan_runs,
    read_progress,
)
from vitae_mm.analysis.reproduction_report import collect_results, draw, markdown
from vitae_mm.errors import InputError

ROWS = (
    Row('A, 20 %', (Training('c/a.py'),), 'A', 20),
    Row('A, 60 %', (Training('c/b.py'),), 'A', 60),
)
CHAIN = Row(
    'both', (Training('c/first.py', ('model.x=1',)), Training('c/second.py', ('model.y=2',)))
)


def do(command, log):
    """Writes what a command would write, and appends the command to ``log``."""
    folder = Path(command[command.index('--work-dir') + 1])
    folder.mkdir(parents=True, exist_ok=True)
    with log.open('a') as lines:
        lines.write(' '.join(command[1:]) + '\n')
    if 'tools/test.py' in command:
        (folder / 't').mkdir()
        (folder / 't' / 't.json').write_text(json.dumps({'accuracy/top1': 40.0}))
        return
    (folder / 'last_checkpoint').write_text('/elsewhere/epoch_2.pth')


def test_a_run_is_trained_and_tested_with_its_seed(tmp_path):
    (run,) = plan_runs(ROWS[:1], [7], tmp_path)
    assert run.folder == tmp_path / 'a_20_seed7' and run.accuracy() is None
    run.carry_out(do)
    train, test = run.log.read_text().splitlines()
    assert train.startswith(f'tools/train.py c/a.py --work-dir {run.folder}/a --resume ')
    assert 'randomness.seed=7' in train.split() and 'checkpoint=' not in train
    assert test == (f'tools/test.py c/a.py {run.folder}/a/epoch_2.pth --work-dir {run.folder}/test')
    assert run.accuracy() == 40.0


def test_a_training_starts_from_the_one_before(tmp_path):
    run = Run(CHAIN, 0, tmp_path / 'r')
    run.carry_out(do)
    first, second, test = (line.split() for line in run.log.read_text().splitlines())
    assert 'model.x=1' in first and 'model.y=2' not in first
    init_cfg = 'model.backbone.init_cfg'
    weights = f'{init_cfg}.checkpoint={run.folder}/first/epoch_2.pth'
    assert weights in second and f'{init_cfg}.type=Pretrained' in second
    assert 'model.y=2' in second and weights not in first
    assert f'{run.folder}/second/epoch_2.pth' in test and 'model.y=2' in test


def test_finished_trainings_are_skipped(tmp_path):
    run, tried = Run(CHAIN, 0, tmp_path / 'r'), []

    def fail_in_second(command, log):
        tried.append(command[1:3])
        if 'c/second.py' in command:
            raise InputError('stopped')
        do(command, log)

    with pytest.raises(InputError, match='stopped'):
        run.carry_out(fail_in_second)
    assert len(tried) == 2 and run.accuracy() is None
    run.carry_out(do)
    assert run.log.read_text().count('tools/train.py c/first.py') == 1
    assert run.log.read_text().count('tools/train.py c/second.py') == 1


def test_another_request_is_rejected(tmp_path):
    request = dict(experiment='cells', preset='mini', seeds=[0, 1], rows=dict(a=1))
    check_request(tmp_path, request)
    check_request(tmp_path, request)
    kept = (tmp_path / 'request.json').read_text()
    begun = 'cells --preset mini --seeds 0 1'
    on = f'To continue it, give {begun}; to start over, choose another --work-dir'
    for change, words in (
        (
            dict(seeds=[0, 2]),
            f'was started with {begun}, not cells --preset mini --seeds 0 2. {on}',
        ),
        (
            dict(preset='gpu', rows={}),
            f'was started with {begun}, not cells --preset gpu --seeds 0 1. {on}',
        ),
        (dict(rows=dict(a=2)), 'with other configs of the same experiment, which has changed'),
    ):
        with pytest.raises(InputError, match=re.escape(words)):
            check_request(tmp_path, request | change)
    assert (tmp_path / 'request.json').read_text() == kept


def test_two_reproductions_do_not_share_a_folder(tmp_path):
    rejected = pytest.raises(InputError, match='another reproduction, .* is still running')
    with locked(tmp_path), rejected, locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_progress_is_read_from_the_scalars_of_the_last_attempt(tmp_path):
    """Steps of 2 seconds, logged every 10 of the 25 of an epoch."""
    assert read_progress(tmp_path) == (0, None)

    def log(attempt, *steps):
        file = tmp_path / attempt / 'vis_data' / 'scalars.json'
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [dict(time=2.0, epoch=(step - 1) // 25 + 1, iter=step, step=step) for step in steps]
        lines.append({'accuracy/top1': 40.0, 'step': 1})  # a line of the validation
        file.write_text('\n'.join(map(json.dumps, lines)))

    log('1', 10, 20)
    assert read_progress(tmp_path) == (0, None)
    log('1', 10, 20, 35)
    assert read_progress(tmp_path) == (1.4, 50)
    log('2', 60, 70)
    assert read_progress(tmp_path) == (2, None)
    log('2', 60, 70, 85, 95, 110)
    assert read_progress(tmp_path) == (4.4, 50)


@pytest.mark.parametrize(
    'printed, words',
    [
        ('a\\nerror: no data\\nlast\\n', 'error: no data'),
        ('a\\nKilled\\n\\n', 'Killed'),
        ('', 'no output'),
    ],
)
def test_a_failing_command_is_reported_with_its_error(printed, words, tmp_path, monkeypatch):
    (run,) = plan_runs(ROWS[:1], [0], tmp_path)
    run.folder.mkdir()
    run.log.write_text('$ first\nerror: of an earlier attempt\n')
    failing = [sys.executable, '-c', f'print("{printed}", end=""); raise SystemExit(3)']
    monkeypatch.setattr(Run, 'carry_out', lambda run, execute: execute(failing, run.log))
    with locked(tmp_path) as lock, pytest.raises(InputError) as failure:
        Workers(1, lock).carry_out([run], print)
    assert f'-c failed (exit status 3): {words}' in str(failure.value)
    assert f'See {run.log}; the same command continues from here.' in str(failure.value)


def finished(rows, accuracies, folder):
    runs = plan_runs(rows, [0, 1, 2], folder)
    for run in runs:
        run.folder.mkdir()
        value = accuracies[run.row.label][run.seed]
        run.result.write_text(json.dumps({'accuracy/top1': value, 'time': 1.0}))
    return runs


def test_results_are_mean_and_half_the_range(tmp_path):
    runs = finished(
        ROWS, {'A, 20 %': [40.0, 44.0, 42.0], 'A, 60 %': [50.25, 50.25, 50.25]}, tmp_path
    )
    results = collect_results(Experiment('t', {}, Figures({'A, 60 %': 75.3})), runs)
    assert [(r.mean, r.spread, r.paper) for r in results] == [(42.0, 2.0, None), (50.25, 0.0, 75.3)]
    assert markdown(results).splitlines() == [
        '| | top-1 (%) | seed 0 | seed 1 | seed 2 | paper, ImageNet |',
        '| --- | --- | --- | --- | --- | --- |',
        '| A, 20 % | 42.0 ± 2.0 | 40.0 | 44.0 | 42.0 | - |',
        '| A, 60 % | 50.2 ± 0.0 | 50.2 | 50.2 | 50.2 | 75.3 |',
    ]
    one = collect_results(Experiment('t', {}), runs[:2])
    assert markdown(one).splitlines()[2] == '| A, 20 % | 40.0 | 40.0 | - |'


@pytest.mark.parametrize('axis', ['training images (%)', ''])
def test_results_are_plotted(tmp_path, axis):
    runs = finished(ROWS, {'A, 20 %': [40.0, 44.0, 42.0], 'A, 60 %': [50.0, 51.0, 52.0]}, tmp_path)
    experiment = Experiment('t', {}, axis=axis)
    draw(experiment, collect_results(experiment, runs), tmp_path / 'p.png')
    assert (tmp_path / 'p.png').read_bytes().startswith(b'\x89PNG')


def test_a_failure_stops_all_runs(tmp_path, monkeypatch):
    """One of two running commands fails: the other is terminated, the third does not start."""
    sleeping = [sys.executable, '-c', 'import time; print("asleep", flush=True); time.sleep(60)']
    failing = [sys.executable, '-c', 'import time; time.sleep(2); raise SystemExit("error: lost")']
    runs = plan_runs([Row(name, ()) for name in 'abc'], [0], tmp_path)
    commands = dict(a_seed0=sleeping, b_seed0=failing, c_seed0=sleeping)
    monkeypatch.setattr(
        Run, 'carry_out', lambda run, execute: execute(commands[run.folder.name], run.log)
    )
    start = time.monotonic()
    with locked(tmp_path) as lock, pytest.raises(InputError, match='error: lost'):
        Workers(2, lock).carry_out(runs, print)
    assert time.monotonic() - start < 30
    assert 'asleep' in runs[0].log.read_text() and not runs[2].log.exists()
    with locked(tmp_path):  # no process holds the lock
        pass
