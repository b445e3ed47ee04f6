"""Resuming through tools/train.py."""

import json
import math
import os
import shutil
import time

import pytest
import torch
from mmengine.config import Config

from vitae_mm.errors import InputError

from ..helpers import training
from ..helpers.commands import run

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def train(run_tool, tmp_path):
    """Runs the tool without a rehearsal; returns its output."""

    def run(config, folder, *options, **entries):
        settings = [f'{name.replace("__", ".")}={value}' for name, value in entries.items()]
        return run_tool(
            'tools/train.py',
            config,
            '--work-dir',
            tmp_path / folder,
            '--no-rehearsal',
            *options,
            *(['--cfg-options', *settings] if settings else ()),
        )

    return run


@pytest.fixture
def config(data, tmp_path):
    """A classifier with one step an epoch."""
    return training.write_classifier(tmp_path / 'c.py', data, batch_size=16)


def rates(work_dir):
    """The learning rate of each epoch of the last training in a work dir."""
    log = max(work_dir.glob('*/vis_data/scalars.json'), key=os.path.getmtime)
    steps = [json.loads(line) for line in log.read_text().splitlines()]
    return list({step['epoch']: step['lr'] for step in steps if 'lr' in step}.values())


def cosine(epochs, period, lr=0.01):
    return pytest.approx([lr * (1 + math.cos(math.pi * epoch / period)) / 2 for epoch in epochs])


@pytest.mark.parametrize('write', training.WRITERS.values(), ids=training.WRITERS)
def test_more_epochs_follow_the_longer_schedule(write, data, tmp_path, train):
    path = write(tmp_path / 'c.py', data, batch_size=5)
    cfg = Config.fromfile(path)
    del cfg.param_scheduler.T_max
    cfg.dump(path)
    train(path, 'w')
    output = train(path, 'w', '--resume', train_cfg__max_epochs=3)
    assert 'train_cfg.max_epochs: 1 -> 3' in output
    assert rates(tmp_path / 'w') == cosine([1, 2], 3)


def test_another_period_and_rate_are_followed(config, tmp_path, train):
    train(config, 'w')
    output = train(
        config,
        'w',
        '--resume',
        train_cfg__max_epochs=3,
        param_scheduler__T_max=4,
        optim_wrapper__optimizer__lr=0.02,
    )
    assert rates(tmp_path / 'w') == cosine([1, 2], 4, lr=0.02)
    assert 'optim_wrapper.optimizer.lr: 0.01 -> 0.02' in output
    assert 'learning rate 0.01707' in output


@pytest.mark.parametrize('missing', ['optimizer', 'meta', 'all but the weights'])
def test_weights_alone_are_not_resumed(missing, config, tmp_path, train):
    train(config, 'w')
    saved = torch.load(tmp_path / 'w' / 'epoch_1.pth', weights_only=False)
    saved.pop(missing, None)
    path = tmp_path / 'weights.pth'
    torch.save(saved if missing in ('optimizer', 'meta') else saved['state_dict'], path)
    for options in ((), ('--dry-run',)):
        with pytest.raises(InputError, match=f'cannot be resumed.*load_from={path}'):
            train(config, 'v', '--resume', path, *options)
    assert not (tmp_path / 'v').exists()
    time.sleep(1)  # mmengine names the visualizers of a process by the second
    train(config, 'v', load_from=path)
    assert rates(tmp_path / 'v') == [0.01]


def test_a_copied_work_dir_resumes_from_itself(config, tmp_path, train):
    train(config, 'original', default_hooks__checkpoint__max_keep_ckpts=1)
    shutil.copytree(tmp_path / 'original', tmp_path / 'copy')
    before = sorted(tmp_path.glob('original/**/*'))
    output = train(config, 'copy', '--resume', train_cfg__max_epochs=2)
    assert f'{tmp_path}/copy/epoch_1.pth' in output and f'{tmp_path}/original' not in output
    assert (tmp_path / 'copy' / 'epoch_2.pth').exists()
    assert sorted(tmp_path.glob('original/**/*')) == before


def test_resume_in_the_config_is_the_option(config, tmp_path, train):
    assert 'starting a new run' in train(config, 'w', resume=True)
    output = train(config, 'w', resume=True, train_cfg__max_epochs=2)
    assert 'resumed epoch: 1' in output and 'max_epochs: 1 -> 2' in output


def test_a_finished_run_says_so_and_changes_nothing(config, tmp_path, train):
    train(config, 'w')
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob('w/**/*')}
    output = train(config, 'w', '--resume')
    assert 'finished (epoch 1 of 1)' in output and 'raise train_cfg.max_epochs' in output
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.glob('w/**/*')}


def test_other_processes_and_strategies_continue_a_run(data, tmp_path):
    options = dict(data=data, batch_size=4, epochs=2)
    options['optim_wrapper'] = dict(optimizer=dict(type='AdamW', lr=1e-3))
    plain = training.write_classifier(tmp_path / 'plain.py', **options)
    sharded = training.write_classifier(
        tmp_path / 'sharded.py', **options, strategy=dict(type='FSDPStrategy')
    )

    def dist_train(config, processes, folder, *more):
        command = ['bash', 'tools/dist_train.sh', config, processes, '--no-rehearsal']
        done = run(*command, '--work-dir', tmp_path / folder, *more, OMP_NUM_THREADS='1')
        assert done.returncode == 0, done.stderr
        return done.stdout

    dist_train(plain, 2, 'ddp')
    losses = pytest.approx(training.losses(tmp_path / 'ddp')[2:], abs=1e-5)
    output = dist_train(sharded, 2, 'fsdp', '--resume', tmp_path / 'ddp' / 'epoch_1.pth')
    assert "strategy: None -> {'type': 'vitae_mm.FSDPStrategy'}" in output
    assert training.losses(tmp_path / 'fsdp') == losses
    output = dist_train(plain, 1, 'one', '--resume', tmp_path / 'ddp' / 'epoch_1.pth')
    assert 'processes: 2 -> 1' in output and 'iterations of an epoch: 2 -> 4' in output
    assert 'after epoch 1 of 2, iteration 4 of 8: learning rate 0.0005' in output
    assert len(training.losses(tmp_path / 'one')) == 4
