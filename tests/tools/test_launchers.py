"""Training and testing with the launch scripts."""

import os
import re
import signal
import socket
import subprocess
import time
from contextlib import suppress

import psutil
import pytest
import torch
from mmengine.config import Config

from vitae_mm.engine.distributed import free_port

from ..helpers import commands, training
from ..helpers.commands import complaint, run

pytestmark = pytest.mark.slow


def dist_train(config, processes, work_dir, *options, **environment):
    return run(
        'bash',
        'tools/dist_train.sh',
        config,
        processes,
        '--work-dir',
        work_dir,
        *options,
        **environment,
    )


def write_pretraining(path, data, **options):
    """Writes the config of a masked autoencoder with the same masks in every process."""
    cfg = Config.fromfile(training.write_pretraining(path, data, **options))
    cfg.custom_imports.imports.append('tests.helpers.same_masks')
    cfg.dump(path)
    return path


@pytest.mark.parametrize(
    'write, steps',
    [(training.write_classifier, 8), (write_pretraining, 2)],
    ids=['mmpretrain', 'masked'],
)
def test_two_processes_equal_one(write, steps, data, tmp_path):
    one = write(tmp_path / 'one.py', data, batch_size=2)
    two = write(tmp_path / 'two.py', data, batch_size=1)
    done = run('python', 'tools/train.py', one, '--work-dir', tmp_path / 'one')
    assert done.returncode == 0, done.stderr
    done = dist_train(two, 2, tmp_path / 'two')
    assert done.returncode == 0, done.stderr
    assert '2 CPU processes over gloo' in done.stdout
    first, second = (training.losses(tmp_path / name) for name in ('one', 'two'))
    assert len(first) == steps and first[0] != first[-1]
    assert first == pytest.approx(second, abs=1e-5)
    for a, b in zip(
        training.weights(tmp_path / 'one', 1).values(),
        training.weights(tmp_path / 'two', 1).values(),
        strict=True,
    ):
        assert torch.allclose(a.float(), b.float(), atol=1e-5)


@pytest.fixture(scope='module', params=[1, 3])
def pretraining(request, data, tmp_path_factory):
    """A config, and its losses with two processes."""
    folder = tmp_path_factory.mktemp('pretraining')
    config = write_pretraining(folder / 'c.py', data, kernel=request.param)
    done = dist_train(config, 2, folder / 'w')
    assert done.returncode == 0, done.stderr
    return config, training.losses(folder / 'w')


@pytest.mark.parametrize(
    'options',
    [['--amp'], ['--compile'], ['--cfg-options', 'strategy.type=FSDPStrategy']],
    ids=' '.join,
)
def test_pretraining_supports_the_options(options, pretraining, tmp_path):
    config, losses = pretraining
    done = dist_train(config, 2, tmp_path / 'w', *options)
    assert done.returncode == 0, done.stderr
    assert training.losses(tmp_path / 'w') == pytest.approx(
        losses, abs=3e-2 if '--amp' in options else 1e-4
    )


def test_inflated_kernels_can_start_a_training_but_not_resume(data, tmp_path):
    small = training.write_pretraining(tmp_path / 'small.py', data, batch_size=4)
    large = training.write_pretraining(tmp_path / 'large.py', data, kernel=3, batch_size=4)
    command = ['python', 'tools/train.py']
    assert run(*command, small, '--work-dir', tmp_path / 'w').returncode == 0
    done = run(
        *command,
        large,
        '--work-dir',
        tmp_path / 'v',
        '--cfg-options',
        f'load_from={tmp_path / "w" / "epoch_1.pth"}',
    )
    assert done.returncode == 0, done.stderr
    assert 'the kernels of 4 parallel convs are inflated' in done.stdout + done.stderr
    more = ['--resume', '--cfg-options', 'train_cfg.max_epochs=2']
    message = complaint(run(*command, large, '--work-dir', tmp_path / 'w', *more))
    assert 'has 1x1 kernels for 4 parallel convs of 3x3' in message


@pytest.mark.parametrize(
    'write, metric',
    [
        (training.write_classifier, 'accuracy/top1'),
        (training.write_segmentor, 'mIoU'),
        (training.write_pose_estimator, 'PCK'),
    ],
    ids=['mmpretrain', 'mmseg', 'mmpose'],
)
def test_every_codebase_trains_resumes_and_tests(data, tmp_path, write, metric):
    config, work_dir = write(tmp_path / 'c.py', data), tmp_path / 'w'
    train = ['python', 'tools/train.py', config, '--work-dir', work_dir]
    assert run(*train).returncode == 0
    done = run(
        *train, '--resume', work_dir / 'epoch_1.pth', '--cfg-options', 'train_cfg.max_epochs=2'
    )
    assert done.returncode == 0, done.stderr
    assert 'resumed after epoch 1' in done.stdout
    done = run(
        'bash',
        'tools/dist_test.sh',
        config,
        work_dir / 'epoch_2.pth',
        2,
        '--work-dir',
        tmp_path / 'test',
    )
    assert done.returncode == 0, done.stderr
    assert metric in done.stdout


def test_slurm_tasks_find_each_other(data, tmp_path):
    """Replacements of Slurm's two commands start the tasks on this machine."""
    config = training.write_classifier(tmp_path / 'c.py', data)
    srun, scontrol = tmp_path / 'srun', tmp_path / 'scontrol'
    srun.write_text("""#!/bin/bash
set -u
echo "srun $*" >"$(dirname "$0")/call"
while [ "$1" != bash ]; do shift; done
export SLURM_JOB_ID=4242 SLURM_NTASKS=2 SLURM_NODELIST=localhost
for rank in 0 1; do SLURM_PROCID=$rank SLURM_LOCALID=$rank "$@" & done
wait -n && wait -n
""")
    scontrol.write_text('#!/bin/bash\n[ "$*" = "show hostnames localhost" ] && echo 127.0.0.1\n')
    srun.chmod(0o755)
    scontrol.chmod(0o755)
    environment = dict(
        GPUS='2', GPUS_PER_NODE='0', CPUS_PER_TASK='1', PATH=f'{tmp_path}:{commands.env()["PATH"]}'
    )
    done = run(
        'bash',
        'tools/slurm_train.sh',
        'part',
        'job',
        config,
        '--work-dir',
        tmp_path / 'w',
        **environment,
    )
    assert done.returncode == 0, done.stderr
    assert '2 CPU processes over gloo' in done.stdout
    assert '-p part --job-name=job --ntasks=2 --cpus-per-task=1' in (tmp_path / 'call').read_text()
    assert len(training.losses(tmp_path / 'w')) == 8
    done = run(
        'bash',
        'tools/slurm_test.sh',
        'part',
        'job',
        config,
        tmp_path / 'w' / 'epoch_1.pth',
        **environment,
    )
    assert 'accuracy/top1' in done.stdout, done.stderr


def start_nodes(config, work_dirs, *options):
    """Starts a process on each of two nodes, which are on this machine."""
    port = str(free_port())
    return [
        subprocess.Popen(
            ['bash', 'tools/dist_train.sh', config, '1', '--work-dir', work_dir, *options],
            cwd=commands.ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=commands.env(NNODES='2', NODE_RANK=str(rank), MASTER_ADDR='127.0.0.1', PORT=port),
        )
        for rank, work_dir in enumerate(work_dirs)
    ]


def test_two_nodes_find_each_other(data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data)
    nodes = start_nodes(config, [tmp_path / 'w', tmp_path / 'w'])
    outputs = [node.communicate(timeout=300) for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], outputs
    assert '2 CPU processes over gloo' in outputs[0][0]
    assert len(training.losses(tmp_path / 'w')) == 8


def test_all_nodes_resume_from_the_checkpoint_that_rank_0_chooses(data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data, batch_size=8)
    work_dirs = [tmp_path / 'w', tmp_path / 'other']
    assert run('python', 'tools/train.py', config, '--work-dir', work_dirs[0]).returncode == 0
    more = ['--no-rehearsal', '--cfg-options', 'train_cfg.max_epochs=2']
    nodes = start_nodes(config, work_dirs, '--resume', *more)
    outputs = [node.communicate(timeout=120) for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], outputs
    assert 'resumed epoch: 1' in outputs[0][0] and 'starting a new run' not in outputs[1][0]
    assert (work_dirs[0] / 'epoch_2.pth').exists()


@pytest.mark.parametrize('how', [signal.SIGKILL, signal.SIGSTOP], ids=['killed', 'frozen'])
def test_a_node_that_is_lost_ends_the_others(how, data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data, epochs=500)
    timeout = ['--cfg-options', 'env_cfg.dist_cfg.timeout=20']
    nodes = start_nodes(config, [tmp_path / 'w', tmp_path / 'w'], *timeout)
    while not (tmp_path / 'w' / 'epoch_1.pth').exists():
        assert nodes[0].poll() is None
        time.sleep(0.1)
    launcher = psutil.Process(nodes[1].pid)
    lost = [launcher, *launcher.children(recursive=True)]
    for process in reversed(lost):
        process.send_signal(how)
    started = time.monotonic()
    try:
        _, errors = nodes[0].communicate(timeout=90)
    finally:
        nodes[1].kill()
        for process in lost[1:]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        nodes[1].communicate()
    assert nodes[0].returncode == 1 and 'process 0 ended first' in errors
    assert time.monotonic() - started < 60


@pytest.mark.parametrize('averaged', [False, True], ids=['trained', 'averaged'])
def test_a_checkpoint_has_the_statistics_of_its_validation(averaged, data, tmp_path):
    cfg = Config.fromfile(training.write_classifier(tmp_path / 'all.py', data, augment=True))
    hooks = [dict(type='StatisticsRecorder')]
    if averaged:
        hooks.append(dict(type='EMAHook', update_buffers=True, momentum=0.5))
    cfg.update(
        val_cfg=dict(),
        val_dataloader=cfg.test_dataloader,
        val_evaluator=cfg.test_evaluator,
        custom_hooks=hooks,
        custom_imports=dict(imports=['tests.helpers.statistics_recorder']),
        log_processor=dict(by_epoch=False),
        param_scheduler=None,
    )
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=2)
    cfg.default_hooks.checkpoint.update(by_epoch=False, interval=2)
    cfg.default_hooks.update(
        sync_buffers=dict(type='SyncBuffersHook'),
        sync_averaged_buffers=dict(type='vitae_mm.SyncAveragedBuffersHook'),
    )
    cfg.dump(tmp_path / 'c.py')
    done = dist_train(tmp_path / 'c.py', 2, tmp_path / 'w')
    assert done.returncode == 0, done.stderr
    for step in (2, 4):
        saved = torch.load(tmp_path / f'w/iter_{step}.pth', weights_only=False)['state_dict']
        for rank in range(2):
            validated = torch.load(tmp_path / f'w/{step}_{rank}.pth')
            assert validated
            for name, value in validated.items():
                assert torch.equal(saved[name], value), (step, rank, name)


def test_a_killed_run_resumes_to_the_same_weights(data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data, epochs=12, augment=True)
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    command = ['python', 'tools/train.py', config, '--work-dir']
    assert run(*command, whole).returncode == 0
    process = subprocess.Popen(
        [*map(str, command), str(broken)],
        cwd=commands.ROOT,
        env=commands.env(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    started = time.monotonic()
    while not (broken / 'epoch_2.pth').exists() or not (broken / 'last_checkpoint').exists():
        assert process.poll() is None and time.monotonic() - started < 200
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (broken / 'epoch_12.pth').exists()
    done = run(*command, broken, '--resume')
    assert done.returncode == 0, done.stderr
    assert 'resumed' in done.stdout
    expected = training.weights(whole, 12)
    for key, value in training.weights(broken, 12).items():
        assert torch.equal(value, expected[key]), key


def test_resuming_without_a_checkpoint_starts_a_new_run(data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data)
    done = run('python', 'tools/train.py', config, '--work-dir', tmp_path / 'w', '--resume')
    assert done.returncode == 0, done.stderr
    assert 'starting a new run' in done.stdout and len(training.losses(tmp_path / 'w')) == 16


def test_a_run_is_not_overwritten(data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data)
    (tmp_path / 'w').mkdir()
    (tmp_path / 'w' / 'last_checkpoint').write_text('epoch_9.pth')
    for launcher in (
        lambda: run('python', 'tools/train.py', config, '--work-dir', tmp_path / 'w'),
        lambda: dist_train(config, 2, tmp_path / 'w'),
    ):
        message = complaint(launcher())
        assert message.count('already contains a run') == 1 and '--resume' in message
    assert [path.name for path in (tmp_path / 'w').iterdir()] == ['last_checkpoint']
    done = run('python', 'tools/train.py', config, '--work-dir', tmp_path / 'w', '--overwrite')
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'w' / 'last_checkpoint').read_text().endswith('epoch_1.pth')


def test_a_checkpoint_of_another_model_stops_the_run(data, tmp_path):
    torch.save(dict(state_dict={'backbone.layer1.weight': torch.ones(1)}), tmp_path / 'other.pth')
    config = training.write_classifier(
        tmp_path / 'c.py', data, load_from=str(tmp_path / 'other.pth')
    )
    message = complaint(dist_train(config, 2, tmp_path / 'w'))
    assert '0 of ' in message and 'keys matched' in message and 'layer1.weight' in message
    assert not list(tmp_path.glob('w/*.pth'))


def test_a_busy_port_is_reported_before_the_start(data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data)
    with socket.socket() as busy:
        busy.bind(('', 0))
        busy.listen()
        port = busy.getsockname()[1]
        message = complaint(dist_train(config, 2, tmp_path / 'w', PORT=str(port)))
    assert f'PORT={port} cannot be used' in message
    assert not (tmp_path / 'w').exists()


@pytest.mark.parametrize(
    'environment, words',
    [
        (dict(NNODES='2'), 'MASTER_ADDR'),
        (dict(NNODES='2', NODE_RANK='2', MASTER_ADDR='127.0.0.1'), 'NODE_RANK=2'),
        (dict(PORT='70000'), 'PORT=70000'),
        (dict(PORT='http'), "PORT='http'"),
    ],
)
def test_launch_settings_are_checked(environment, words, tmp_path):
    done = dist_train('configs/none.py', 1, tmp_path / 'w', **environment)
    assert words in complaint(done) and done.stderr.count('error') == 1


def test_a_kill_while_a_checkpoint_is_written_loses_nothing(data, tmp_path):
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    options = dict(data=data, epochs=3, augment=True)
    config = training.write_classifier(tmp_path / 'c.py', **options)
    killing = training.write_classifier(
        tmp_path / 'killing.py',
        **options,
        custom_hooks=[dict(type='KillWhileSaving', epoch=2)],
        custom_imports=dict(imports=['tests.helpers.broken_saving']),
    )
    keep = ['--cfg-options', 'default_hooks.checkpoint.max_keep_ckpts=1']
    command = ['python', 'tools/train.py', config, *keep, '--work-dir']
    assert run(*command, whole).returncode == 0
    done = run('python', 'tools/train.py', killing, *keep, '--work-dir', broken)
    assert done.returncode == -signal.SIGXFSZ, done.stderr
    assert [path.name for path in broken.glob('epoch_*.pth')] == ['epoch_1.pth']
    assert len(list(broken.glob('.epoch_2.*'))) == 1
    done = run(*command, broken, '--resume')
    assert done.returncode == 0, done.stderr
    assert 'resumed after epoch 1' in done.stdout
    assert sorted(path.name for path in broken.glob('epoch_*.pth')) == ['epoch_3.pth']
    assert not list(broken.glob('.*'))
    expected = training.weights(whole, 3)
    for key, value in training.weights(broken, 3).items():
        assert torch.equal(value, expected[key]), key


@pytest.mark.parametrize('rank', [0, 1])
def test_an_error_in_a_data_worker_ends_all_processes(rank, data, tmp_path):
    config = training.write_classifier(
        tmp_path / 'c.py',
        data,
        epochs=500,
        custom_hooks=[],
        custom_imports=dict(imports=['tests.helpers.broken_data']),
    )
    first = 'train_dataloader.dataset.pipeline.0'
    done = dist_train(
        config,
        2,
        tmp_path / 'w',
        '--cfg-options',
        f'{first}.type=FailInRank',
        f'{first}.rank={rank}',
    )
    failed = re.search(r'RuntimeError: cannot read .*classes/train.* at ([\d.]+)', done.stderr)
    assert failed and time.time() - float(failed[1]) < 60
    assert done.returncode == 1 and f'process {rank} ended first' in done.stderr


@pytest.mark.parametrize('rank', [0, 1])
def test_a_process_that_is_killed_ends_the_others(rank, data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data, epochs=500)
    launch = subprocess.Popen(
        ['bash', 'tools/dist_train.sh', config, '2', '--work-dir', tmp_path / 'w'],
        cwd=commands.ROOT,
        env=commands.env(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / 'w' / 'epoch_1.pth').exists():
        assert launch.poll() is None
        time.sleep(0.1)
    processes = psutil.Process(launch.pid).children()
    workers = [worker for process in processes for worker in process.children()]
    next(process for process in processes if process.environ()['RANK'] == str(rank)).kill()
    _, errors = launch.communicate(timeout=60)
    assert launch.returncode == 1 and f'process {rank} ended first, by signal SIGKILL' in errors
    assert not psutil.wait_procs(processes + workers, timeout=30)[1]


@pytest.mark.parametrize(
    'arguments, words',
    [
        (['configs/none.py', '1'], 'configs/none.py does not exist'),
        (['configs/det/mask_rcnn_vitaev2_s_3x.py', 'two'], "PROCESSES='two'"),
        (
            [
                'configs/det/mask_rcnn_vitaev2_s_3x.py',
                '1',
                '--cfg-options',
                'train_dataloader.dataset.data_root=none/',
            ],
            'none does not exist',
        ),
    ],
)
def test_errors_are_reported_once(arguments, words, tmp_path):
    assert words in complaint(dist_train(*arguments[:2], tmp_path / 'w', *arguments[2:]))
    assert not list(tmp_path.glob('w/*.pth'))


def test_an_invalid_backbone_option_is_reported_once(data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data)
    message = complaint(
        dist_train(config, 2, tmp_path / 'w', '--cfg-options', 'model.backbone.arch=huge')
    )
    assert message.count("arch='huge' is unknown: choose from ['48m', 'base', 'small']") == 1
    assert not list(tmp_path.glob('w/*.pth'))


def test_amp_and_compile_work_on_the_cpu(data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data, batch_size=4)
    done = run(
        'python', 'tools/train.py', config, '--work-dir', tmp_path / 'w', '--amp', '--compile'
    )
    assert done.returncode == 0, done.stderr
    [log] = (tmp_path / 'w').glob('*/*.log')
    assert 'MixedPrecisionOptimWrapper' in log.read_text()
    assert len(training.losses(tmp_path / 'w')) == 4


def test_the_learning_rate_scales_with_the_batch(data, tmp_path):
    config = training.write_classifier(
        tmp_path / 'c.py', data, batch_size=4, auto_scale_lr=dict(base_batch_size=2)
    )
    done = run('python', 'tools/train.py', config, '--work-dir', tmp_path / 'w', '--auto-scale-lr')
    assert done.returncode == 0, done.stderr
    saved = torch.load(tmp_path / 'w' / 'epoch_1.pth', weights_only=False)
    assert saved['optimizer']['param_groups'][0]['initial_lr'] == pytest.approx(0.02)


def test_scaling_needs_the_base_batch_size(data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data)
    done = run('python', 'tools/train.py', config, '--work-dir', tmp_path / 'w', '--auto-scale-lr')
    assert 'base_batch_size=16' in complaint(done)


@pytest.mark.parametrize(
    'write', [training.write_detector, training.write_segmentor], ids=['mmdet', 'mmseg']
)
def test_an_unreadable_image_ends_all_processes(write, tmp_path):
    data = training.make_data(tmp_path)
    broken = min((data / 'images/train').iterdir())
    broken.write_bytes(b'')
    config = write(tmp_path / 'c.py', data)
    started = time.monotonic()
    message = complaint(dist_train(config, 2, tmp_path / 'w'))
    assert str(broken) in message and 'remove it from the dataset' in message
    assert 'Original' not in message and time.monotonic() - started < 240


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    'write, metric',
    [
        (training.write_classifier, 'top1'),
        (training.write_detector, 'no scores'),  # as there are no detections
        (training.write_segmentor, 'mIoU'),
        (training.write_pose_estimator, 'PCK'),
    ],
    ids=['mmpretrain', 'mmdet', 'mmseg', 'mmpose'],
)
def test_eight_processes_can_share_one_image(write, metric, data, tmp_path):
    cfg = Config.fromfile(write(tmp_path / 'all.py', data))
    cfg.train_dataloader.dataset.indices = cfg.test_dataloader.dataset.indices = 1
    # seven processes have no image to validate
    cfg.test_dataloader.sampler.round_up = False
    cfg.update(val_dataloader=cfg.test_dataloader, val_cfg={}, val_evaluator=cfg.test_evaluator)
    cfg.dump(tmp_path / 'one.py')
    done = dist_train(tmp_path / 'one.py', 8, tmp_path / 'w')
    assert done.returncode == 0, done.stderr
    assert '8 CPU processes over gloo' in done.stdout and metric in done.stdout
