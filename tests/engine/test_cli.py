import logging
import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import psutil
import pytest
from mmengine.logging import MMLogger
from mmengine.visualization import Visualizer
from torch._utils import ExceptionWrapper

from vitae_mm.engine import cli
from vitae_mm.engine.cli import (
    check_device,
    check_plot_path,
    name_models,
    reports_input_errors,
    tool_parser,
)
from vitae_mm.errors import DivergedError, InputError

from ..helpers.commands import env

WITH_WORKER = """
import multiprocessing, sys, time
import numpy as np
from torch.utils.data import DataLoader
from vitae_mm.engine.cli import reports_input_errors
from vitae_mm.engine.hooks import seed_worker

class Images:
    def __len__(self):
        return 9

    def __getitem__(self, index):
        return np.zeros(10**6)

@reports_input_errors
def main():
    options = dict(num_workers=1, collate_fn=list)
    if sys.argv[1] != 'fail':
        options.update(worker_init_fn=seed_worker)
    batches = iter(DataLoader(Images(), **options))
    next(batches)
    print(multiprocessing.active_children()[0].pid, flush=True)
    if sys.argv[1] == 'fail':
        raise ValueError('lost')
    time.sleep(600)

main()
"""


def from_worker(error):
    """Returns an error as PyTorch passes it on from a data worker."""
    try:
        raise error
    except Exception:
        wrapper = ExceptionWrapper(where='in DataLoader worker process 0')
    try:
        wrapper.reraise()
    except Exception as passed_on:
        return passed_on


class Backend:
    def __init__(self):
        self.closed = False

    def close(self):
        self.closed = True
        raise OSError('no network')


@pytest.fixture
def fail(monkeypatch, capfd):
    """Raises an error in a tool, and returns what the tool prints to stderr."""
    for owner, name, value in (
        (os, '_exit', sys.exit),
        (logging, 'shutdown', lambda: None),
        (logging, 'raiseExceptions', False),
        (cli, 'use_utf8', lambda: None),
        (cli, 'REPORT_SECONDS', 0),
        (MMLogger, '_instance_dict', {}),
        (Visualizer, '_instance_dict', {}),
        (sys, 'argv', ['tool.py']),
    ):
        monkeypatch.setattr(owner, name, value)

    def call(error, status=1):
        @reports_input_errors
        def main():
            raise error

        with pytest.raises(SystemExit) as done:
            main()
        assert done.value.code == status
        return capfd.readouterr().err

    return call


def test_an_error_is_reported_in_one_line(fail):
    assert fail(InputError('a: use b.')) == 'error: a: use b.\n'
    assert fail(KeyError('a')) == "error: KeyError: 'a' (--debug shows its traceback)\n"
    assert fail(ValueError('a\n  b')) == 'error: ValueError: a b (--debug shows its traceback)\n'
    assert fail(ZeroDivisionError()) == 'error: ZeroDivisionError (--debug shows its traceback)\n'


def test_a_training_that_diverges_has_its_own_status(fail):
    assert fail(DivergedError('loss=nan'), status=3) == 'error: loss=nan\n'


def test_an_error_in_a_data_worker_is_reported_in_one_line(fail):
    assert fail(from_worker(InputError('a: use\nb.'))) == 'error: a: use b.\n'
    message = fail(from_worker(OSError('no: a\n b')))
    assert message == 'error: OSError: no: a b (--debug shows its traceback)\n'
    message = fail(from_worker(ZeroDivisionError()))
    assert message == 'error: ZeroDivisionError (--debug shows its traceback)\n'


def test_other_ranks_name_themselves(fail, monkeypatch):
    monkeypatch.setenv('RANK', '3')
    assert fail(InputError('a: use b.')) == 'error (rank 3): a: use b.\n'


def test_debug_prints_the_traceback(fail, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['tool.py', '--debug'])
    assert tool_parser('A tool.').parse_args().debug
    lines = fail(InputError('a: use b.')).splitlines()
    assert lines[0] == 'Traceback (most recent call last):' and lines[-1] == 'error: a: use b.'


def test_the_traceback_is_in_the_log_file_of_the_run(fail, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    MMLogger.get_instance('run', log_file='run.log')
    capfd.readouterr()
    assert fail(KeyError('a')) == "error: KeyError: 'a' (its traceback is in run.log)\n"
    fail(InputError('a: use b.'))
    text = Path('run.log').read_text()
    assert text.count('Traceback (most recent call last)') == 2
    assert "KeyError: 'a'" in text and 'InputError: a: use b.' in text


def test_trackers_are_closed_even_if_one_fails(fail, monkeypatch):
    backends, wandb = [Backend(), Backend()], Mock()
    monkeypatch.setitem(sys.modules, 'wandb', wandb)
    visualizer = SimpleNamespace(_vis_backends=dict(enumerate(backends)))
    monkeypatch.setattr(Visualizer, '_instance_dict', dict(run=visualizer))
    assert fail(InputError('a: use b.')) == 'error: a: use b.\n'
    assert all(backend.closed for backend in backends)
    wandb.finish.assert_called_once_with(exit_code=1)


def test_interrupts_pass(fail):
    def main():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reports_input_errors(main)()


@pytest.mark.parametrize('name', ['curves', 'curves.tmp', 'figures/'])
def test_a_plot_needs_the_suffix_of_a_picture(name):
    check_plot_path(Path('curves.PNG'))
    with pytest.raises(InputError, match=rf'{Path(name)}: give a file name that ends in \.png or'):
        check_plot_path(Path(name))


def test_models_are_named_after_their_configs_or_by_labels():
    args = Namespace(config='a.py', checkpoint='a.pth', compare=[['b.py', 'b.pth']], labels=None)
    assert name_models(args) == {'a': ('a.py', 'a.pth'), 'b': ('b.py', 'b.pth')}
    args.labels = ['ours', 'theirs']
    assert list(name_models(args)) == ['ours', 'theirs']
    for labels in (['ours'], ['ours', 'ours']):
        args.labels = labels
        with pytest.raises(InputError, match='one unique label per model in --labels, 2 in total'):
            name_models(args)


def test_a_missing_device_is_reported():
    check_device('cpu')
    with pytest.raises(InputError, match='--device cuda:77: not available on this machine'):
        check_device('cuda:77')


@pytest.mark.parametrize(
    'end, status', [('fail', 1), ('SIGTERM', -signal.SIGTERM), ('SIGKILL', -signal.SIGKILL)]
)
def test_data_workers_end_with_their_process(end, status):
    process = subprocess.Popen(
        [sys.executable, '-c', WITH_WORKER, end], stdout=subprocess.PIPE, text=True, env=env()
    )
    worker = psutil.Process(int(process.stdout.readline()))
    if status < 0:
        process.send_signal(-status)
    assert process.wait(60) == status
    deadline = time.monotonic() + 10
    while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.1)
