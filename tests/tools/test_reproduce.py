"""tools/reproduce.py: invalid requests, and a reproduction that is interrupted and continued."""

import csv
import json
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vitae_mm.errors import InputError

from ..helpers import training
from ..helpers.commands import ROOT, complaint, env, run

TOOL = 'tools/reproduce.py'
WITH_TINY = """
import runpy, sys
from vitae_mm.analysis.experiment import Experiment, Row, Training
from vitae_mm.analysis.experiments import EXPERIMENTS
from vitae_mm.analysis.papers import Figures
first, second = sys.argv.pop(1), sys.argv.pop(1)
EXPERIMENTS['tiny'] = Experiment('Two tiny networks', dict(mini=(
    Row('short', (Training(first), )), Row('long', (Training(second), )))), Figures({'long': 75.3}))
runpy.run_path('tools/reproduce.py', run_name='__main__')
"""


@pytest.fixture(scope='module')
def configs(tmp_path_factory):
    folder = tmp_path_factory.mktemp('reproduce')
    data = training.make_data(folder)
    return [
        training.write_classifier(folder / f'{name}.py', data, epochs=epochs)
        for name, epochs in (('short', 1), ('long', 25))
    ]


def command(configs, folder, *options):
    return [
        sys.executable,
        '-c',
        WITH_TINY,
        *map(str, configs),
        'tiny',
        '--work-dir',
        str(folder),
        '--seeds',
        '3',
        *options,
    ]


def trainings(log):
    return log.read_text().count('tools/train.py')


@pytest.mark.slow
def test_an_interrupted_reproduction_is_continued(configs, tmp_path):
    out = tmp_path / 'out'
    short, long = out / 'short_seed3', out / 'long_seed3'
    process = subprocess.Popen(
        command(configs, out),
        cwd=ROOT,
        env=env(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 600
    while not (long / 'long' / 'last_checkpoint').exists():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and 'interrupted: the same command continues' in errors
    assert not (long / 'result.json').exists()
    table = (out / 'results.md').read_text()
    assert '| short | ' in table and '| long | ' not in table
    before = (short / 'result.json').stat()

    done = run(*command(configs, out), timeout=900)
    assert done.returncode == 0, done.stderr
    assert (short / 'result.json').stat() == before and trainings(short / 'log.txt') == 1
    assert trainings(long / 'log.txt') == 2
    assert re.search(r'resumed after epoch \d+', (long / 'log.txt').read_text())
    table = (out / 'results.md').read_text()
    assert table.count('| long | ') == 1 and table.count('| 75.3 |') == 1
    _, *records = csv.reader((out / 'results.csv').open())
    tested = {
        name: json.loads((out / f'{name}_seed3' / 'result.json').read_text())
        for name in ('short', 'long')
    }
    assert [(label, seed, float(score)) for label, _, _, seed, score in records] == [
        (name, '3', tested[name]['accuracy/top1']) for name in tested
    ]
    assert (out / 'results.png').read_bytes().startswith(b'\x89PNG')

    other = run(*command(configs, out, '--seeds', '4'))
    assert 'started with other settings: seeds was [3], is [4].' in complaint(other)


def test_missing_starting_weights_are_reported_before_the_first_run(tmp_path):
    """With the commands that train them."""
    done = run('python', TOOL, 'openfield', '--preset', 'starting_weights', '--work-dir', tmp_path)
    words = complaint(done)
    assert 'do not exist: run first `python tools/train.py configs/own_data/vitaev2_' in words
    assert '` and `python tools/train.py configs/own_data/mae_vitae_192_45' not in words
    assert '` and `python tools/train.py configs/own_data/mae_vitae_192_130e_openfield.py' in words
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_failing_run_is_reported(configs, tmp_path):
    failing = configs[0].with_name('failing.py')
    failing.write_text(configs[0].read_text().replace('shapes', 'absent'))
    done = run(*command([failing, failing], tmp_path / 'out'))
    words = complaint(done)
    assert 'tools/train.py failed (exit status 1): error' in words and 'absent' in words
    assert str(tmp_path / 'out' / 'short_seed3' / 'log.txt') in words


@pytest.mark.parametrize(
    'options, words',
    [
        (('cell',), r"experiment 'cell' is unknown: choose from \['data_efficiency', "),
        (('attention', '--preset', 'gpu'), r"no preset 'gpu': choose from \['mini', 'paper'\]"),
        (('cells', '--jobs', 0), '--jobs 0: give a whole number, 1 or more'),
        (('cells', '--seeds', 1, 1), r'--seeds \[1, 1\]: give different whole numbers'),
        (('cells', '--preset', 'gpu'), '--preset gpu: this machine has no GPU'),
        (('pretraining_kernel', '--work-dir', 'my runs'), '--work-dir my runs: .* takes no spaces'),
    ],
)
def test_requests_that_cannot_run_are_rejected(options, words, run_tool, monkeypatch, tmp_path):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    folder = () if '--work-dir' in options else ('--work-dir', tmp_path / 'out')
    with pytest.raises(InputError, match=words):
        run_tool(TOOL, *options, *folder)
    assert not (tmp_path / 'out').exists()


def test_another_working_directory_is_rejected(run_tool, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match='from the root of the repository'):
        run_tool(TOOL, 'cells')


def test_commands_of_the_paper_preset_are_printed(run_tool, tmp_path):
    printed = run_tool(
        TOOL, 'pretraining_kernel', '--preset', 'paper', '--seeds', 7, '--work-dir', tmp_path
    )
    first = printed.split('# ')[1].splitlines()
    assert first[0] == 'kernel 0, seed 7; paper: as ViT-L (ViTAEv2, text)'
    pretraining, finetuning, testing = (shlex.split(line) for line in first[1:4])
    assert pretraining[:2] == finetuning[:2] == ['bash', 'tools/dist_train.sh']
    assert testing[:2] == ['bash', 'tools/dist_test.sh'] and testing[2] == finetuning[2]
    for command in (pretraining, finetuning):
        assert command[2].startswith('configs/') and command[3] == '8'
        assert 'randomness.seed=7' in command
    mark = Path(pretraining[pretraining.index('--work-dir') + 1], 'last_checkpoint')
    assert f'model.backbone.init_cfg.checkpoint=$(cat {mark})' in finetuning
    assert not any(tmp_path.iterdir())


def test_commands_of_ablations_are_quoted_for_the_shell(run_tool, tmp_path):
    options = ('--preset', 'paper', '--seeds', 7, '--work-dir', tmp_path)
    lines = run_tool(TOOL, 'dilations', *options).splitlines()
    assert lines[0] == '# 1, 1, 1, seed 7; paper: 68.7 (ViTAE, Table 3)'
    for line in lines[1:3]:
        assert "'model.backbone.dilations=[[1],[1],[1]]'" in line
        command = shlex.split(line)
        assert command[2] == 'configs/cls/vitae_t_300e_in1k.py'
        assert 'train_cfg.max_epochs=100' in command[command.index('--cfg-options') :]
