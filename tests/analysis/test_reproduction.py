"""State, searches, resuming and results of a reproduction, with commands that only write files."""

import csv
import json
import re
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from mmengine.config import Config

from vitae_mm.analysis.experiment import TOP_1, Experiment, Metric, Row, Search, Training
from vitae_mm.analysis.papers import Figures
from vitae_mm.analysis.reproduction import (
    Run,
    Workers,
    check_request,
    locked,
    plan_runs,
    plan_searches,
    read_curve,
    read_progress,
    with_best_rates,
)
from vitae_mm.analysis.reproduction_report import (
    Result,
    collect_curves,
    collect_results,
    draw,
    draw_curves,
    markdown,
    read_curves,
    read_scores,
    search_table,
    write_curves,
    write_scores,
)
from vitae_mm.errors import DivergedError, InputError

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
        for name, metrics in ('20261127_170000', {'accuracy/top1': 40.0}), ('report', {}):
            (folder / name).mkdir()
            (folder / name / f'{name}.json').write_text(json.dumps(metrics))
        return
    (folder / 'last_checkpoint').write_text('/elsewhere/epoch_2.pth')


def test_a_run_is_trained_and_tested_with_its_seed(tmp_path):
    (run,) = plan_runs(ROWS[:1], [7], tmp_path)
    assert run.folder == tmp_path / 'a_20_seed7' and run.metrics() is None
    run.carry_out(do)
    train, test = run.log.read_text().splitlines()
    assert train.startswith(f'tools/train.py c/a.py --work-dir {run.folder}/a --resume ')
    assert 'randomness.seed=7' in train.split() and 'checkpoint=' not in train
    assert test == (f'tools/test.py c/a.py {run.folder}/a/epoch_2.pth --work-dir {run.folder}/test')
    assert run.metrics() == {'accuracy/top1': 40.0}


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
    assert len(tried) == 2 and run.metrics() is None
    run.carry_out(do)
    assert run.log.read_text().count('tools/train.py c/first.py') == 1
    assert run.log.read_text().count('tools/train.py c/second.py') == 1


def test_a_training_that_diverges_is_a_result(tmp_path):
    run, tried = Run(CHAIN, 0, tmp_path / 'r'), []

    def diverge(command, log):
        tried.append(command)
        raise DivergedError('error: step 3 (epoch 1): loss=nan')

    run.carry_out(diverge)
    assert run.metrics() == {} and len(tried) == 1
    assert 'step 3 (epoch 1): loss=nan' in run.result.read_text()


SEARCH = Search('A', Training('c/part.py'), (1e-4, 3e-4, 1e-3))
SEARCHED = tuple(Row(f'A, {x} %', (Training(f'c/{x}.py'),), search=SEARCH) for x in (20, 60))


def searched(folder, *results):
    searches = plan_searches(SEARCHED, folder)
    for run, result in zip(searches[SEARCH].values(), results, strict=True):
        run.folder.mkdir(parents=True)
        run.result.write_text(json.dumps(result))
    return searches


def test_rows_share_the_search_of_their_learning_rate(tmp_path):
    (runs,) = plan_searches((*SEARCHED, *ROWS), tmp_path).values()
    assert list(runs) == list(SEARCH.rates) and {run.seed for run in runs.values()} == {0}
    (training,) = runs[3e-4].row.trainings
    assert training == Training('c/part.py', ('optim_wrapper.optimizer.lr=0.0003',))
    assert len({run.folder for run in runs.values()}) == 3


def test_the_learning_rate_with_the_best_score_is_taken(tmp_path):
    searches = searched(
        tmp_path, {'accuracy/top1': 40.0}, {'accuracy/top1': 41.0}, dict(diverged='loss=nan')
    )
    rows = with_best_rates((*SEARCHED, *ROWS), searches, TOP_1)
    assert rows[2:] == ROWS and [row.label for row in rows[:2]] == ['A, 20 %', 'A, 60 %']
    assert [row.trainings[0].options for row in rows[:2]] == [
        ('optim_wrapper.optimizer.lr=0.0003',)
    ] * 2


def test_rows_have_the_lowest_learning_rate_if_all_diverged(tmp_path):
    searches = searched(tmp_path, *[dict(diverged='loss=nan')] * 3)
    row, _ = with_best_rates(SEARCHED, searches, TOP_1)
    assert row.trainings[0].options == ('optim_wrapper.optimizer.lr=0.0001',)


def test_a_search_is_a_table(tmp_path):
    searches = searched(tmp_path, {'accuracy/top1': 40.0}, dict(diverged='loss=nan'), {})
    *_, last = runs = list(searches[SEARCH].values())
    last.result.unlink()
    experiment = Experiment('t', {})
    results = collect_results(experiment, runs)
    table = [
        '| top-1 (%) | lr 0.0001 | lr 0.0003 |',
        '| --- | --- | --- |',
        '| A | 40.0 | diverged |',
    ]
    assert search_table(experiment, results).splitlines() == table
    other = Result(Row('B, lr 0.0003', (), 'B', 3e-4), {0: 41.0}, None)
    shown = search_table(experiment, [*results, other]).splitlines()
    assert shown == [*table, '| B | - | 41.0 |']
    write_scores(experiment, results, tmp_path / 'search.csv')
    assert read_scores(experiment, tmp_path / 'search.csv') == [
        replace(result, row=replace(result.row, trainings=())) for result in results
    ]


def test_a_missing_score_is_an_error_unless_it_means_nothing_found():
    metrics = {'accuracy/top5': 80.0}
    with pytest.raises(InputError, match='the test has no accuracy/top1, only accuracy/top5: add'):
        TOP_1.read(metrics)
    assert Metric('AP', 'AP', empty=0).read(metrics) == 0 and TOP_1.read({}) is None


def test_another_request_is_rejected_with_what_differs(tmp_path):
    part = dict(train_dataloader=dict(dataset=dict(indices=[0, 5, 10])))
    request = dict(
        experiment='droplets',
        seeds=[0, 1],
        search=dict(A=dict(rates=[1e-4, 1e-3], config=part)),
        rows=dict(A=[part]),
    )
    check_request(tmp_path, request)
    check_request(tmp_path, request)
    kept = (tmp_path / 'request.json').read_text()
    other = dict(train_dataloader=dict(dataset=dict(indices=[0, 2, 4])))
    for change, words in (
        (dict(seeds=[0, 2]), 'settings: seeds was [0, 1], is [0, 2]. To continue it, restore'),
        (dict(experiment='cells'), 'settings: experiment was "droplets", is "cells". '),
        (
            dict(rows=dict(A=[other])),
            'rows.A[0].train_dataloader.dataset.indices was [0, 5, 10], is [0, 2, 4]. ',
        ),
        (
            dict(search=dict(A=dict(rates=[1e-4, 1e-2], config=part))),
            'settings: search.A.rates was [0.0001, 0.001], is [0.0001, 0.01]. ',
        ),
        (
            dict(rows={str(i): [] for i in range(9)}),
            'rows.A is missing now; rows.0 is new; rows.1 is new; rows.2 is new; rows.3 is new and',
        ),
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
    failing = [sys.executable, '-c', f'print("{printed}", end=""); raise SystemExit(4)']
    monkeypatch.setattr(Run, 'carry_out', lambda run, execute: execute(failing, run.log))
    with locked(tmp_path) as lock, pytest.raises(InputError) as failure:
        Workers(1, lock).carry_out([run], print)
    assert f'-c failed (exit status 4): {words}' in str(failure.value)
    assert f'See {run.log}; the same command continues from here.' in str(failure.value)


def test_a_diverging_command_does_not_stop_the_others(tmp_path, monkeypatch):
    runs = plan_runs(ROWS, [0], tmp_path)
    words = 'error: step 3 (epoch 1): loss=nan'
    diverging = [sys.executable, '-c', f'print("{words}"); raise SystemExit(3)']
    monkeypatch.setattr(Run, '_train_and_test', lambda run, execute: execute(diverging, run.log))
    with locked(tmp_path) as lock:
        Workers(1, lock).carry_out(runs, lambda run: None)
    assert [json.loads(run.result.read_text()) for run in runs] == [dict(diverged=words)] * 2


def finished(rows, scores, folder):
    runs = plan_runs(rows, [0, 1, 2], folder)
    for run in runs:
        run.folder.mkdir()
        score = scores[run.row.label][run.seed]
        result = dict(diverged='loss=nan') if score is None else {'accuracy/top1': score, 'time': 1}
        run.result.write_text(json.dumps(result))
    return runs


def test_results_are_mean_and_standard_deviation(tmp_path):
    experiment = Experiment('t', {}, Figures({'A, 60 %': 75.3}))
    runs = finished(
        ROWS, {'A, 20 %': [40.0, 44.0, 42.0], 'A, 60 %': [50.25, 50.25, 50.25]}, tmp_path
    )
    results = collect_results(experiment, runs)
    assert [(r.mean, r.deviation, r.paper) for r in results] == [(42, 2, None), (50.25, 0, 75.3)]
    assert markdown(experiment, results).splitlines() == [
        '| | top-1 (%) | seed 0 | seed 1 | seed 2 | paper, ImageNet |',
        '| --- | --- | --- | --- | --- | --- |',
        '| A, 20 % | 42.0 ± 2.0 | 40.0 | 44.0 | 42.0 | - |',
        '| A, 60 % | 50.2 ± 0.0 | 50.2 | 50.2 | 50.2 | 75.3 |',
    ]
    plain = Experiment('t', {})
    one = markdown(plain, collect_results(plain, runs[::3]))
    assert one.splitlines()[2] == '| A, 20 % | 40.0 | 40.0 |'


def test_runs_that_diverged_are_in_the_table_and_the_file(tmp_path):
    experiment = Experiment('t', {}, metric=Metric('accuracy/top1', 'top-1', factor=0.01))
    runs = finished(ROWS, {'A, 20 %': [40.0, None, 42.0], 'A, 60 %': [None] * 3}, tmp_path)
    results = collect_results(experiment, runs)
    assert markdown(experiment, results).splitlines()[2:] == [
        '| A, 20 % | 0.4 ± 0.0 (1 diverged) | 0.4 | diverged | 0.4 |',
        '| A, 60 % | diverged | diverged | diverged | diverged |',
    ]
    runs[-1].result.unlink()  # interrupted
    assert markdown(experiment, collect_results(experiment, runs)).splitlines()[2] == (
        '| A, 20 % | 0.4 (1 diverged) | 0.4 | diverged | - |'
    )
    write_scores(experiment, collect_results(experiment, runs), tmp_path / 'results.csv')
    lines = list(csv.reader((tmp_path / 'results.csv').open()))
    assert lines[0] == ['label', 'series', 'x', 'seed', 'accuracy/top1'] and len(lines) == 6
    assert lines[1] == ['A, 20 %', 'A', '20', '0', '0.4']
    assert lines[2] == ['A, 20 %', 'A', '20', '1', '']
    for read, result in zip(
        read_scores(experiment, tmp_path / 'results.csv'),
        collect_results(experiment, runs),
        strict=True,
    ):
        assert read == replace(result, row=replace(result.row, trainings=()))
    draw(experiment, results, tmp_path / 'p.png')


@pytest.mark.parametrize('rows', [ROWS, [replace(row, series=None) for row in ROWS]])
def test_results_are_plotted(tmp_path, rows):
    runs = finished(rows, {'A, 20 %': [40.0, 44.0, 42.0], 'A, 60 %': [50.0, 51.0, 52.0]}, tmp_path)
    experiment = Experiment('t', {}, axis='training images (%)')
    draw(experiment, collect_results(experiment, runs), tmp_path / 'p.png')
    assert (tmp_path / 'p.png').read_bytes().startswith(b'\x89PNG')


def test_every_series_has_a_line(tmp_path, monkeypatch):
    """Also if there are more than markers."""
    rows = [Row(f'{name}, {x}', (), name, x) for name in 'abcdefg' for x in (1, 2)]
    lines = []
    monkeypatch.setattr(Axes, 'errorbar', lambda *_, label, **__: lines.append(label))
    results = [Result(row, {0: 1.0}, None) for row in rows]
    draw(Experiment('t', {}, axis='x'), results, tmp_path / 'p.png')
    assert lines == list('abcdefg')


def test_files_of_other_scores_are_rejected(tmp_path):
    file = tmp_path / 'scores.csv'
    for text in ('', 'label,series,x,seed,mIoU\n', 'label,seed,training (%),accuracy/top1\n'):
        file.write_text(text)
        with pytest.raises(InputError, match=r"scores.csv: the first line is .* 'accuracy/top1'\]"):
            read_scores(Experiment('t', {}), file)
    with pytest.raises(InputError, match='the first line is'):
        read_curves(Metric('mIoU', 'mIoU'), ROWS, file)


def test_curves_are_read_from_the_validations(tmp_path, monkeypatch):
    monkeypatch.setattr(Training, 'load', lambda _: Config(dict(train_cfg=dict(max_epochs=4))))
    runs = plan_runs(ROWS[:1], [0, 1], tmp_path)
    for run in runs:
        run.folder.mkdir()
        run.result.write_text('{"accuracy/top1": 1.0}')
        for attempt, epochs in (('1', (1, 2)), ('2', (2, 4))):
            log = run.work_dir(run.row.trainings[0]) / attempt / 'vis_data' / 'scalars.json'
            log.parent.mkdir(parents=True)
            lines = [dict(loss=1.0, epoch=1, iter=3, step=3)]
            lines += [{'accuracy/top1': 10.0 * e + int(attempt), 'step': e} for e in epochs]
            log.write_text('\n'.join(map(json.dumps, lines)))
    # the second attempt repeated an epoch
    assert read_curve(runs[0], TOP_1) == [(25, 11), (50, 22), (100, 42)]
    curves = collect_curves(TOP_1, runs)
    write_curves(TOP_1, curves, tmp_path / 'curves.csv')
    assert (tmp_path / 'curves.csv').read_text().splitlines()[:3] == [
        'label,seed,training (%),accuracy/top1',
        '"A, 20 %",0,25,11',
        '"A, 20 %",1,25,11',
    ]
    assert read_curves(TOP_1, ROWS, tmp_path / 'curves.csv') == curves
    draw_curves(TOP_1, curves, tmp_path / 'curves.png')
    assert (tmp_path / 'curves.png').read_bytes().startswith(b'\x89PNG')


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
