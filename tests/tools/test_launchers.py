"""Real processes, started as a user starts them."""
import signal
import socket
import subprocess
import time

import pytest
import torch

from tools import commands, training
from tools.commands import complaint, run

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return training.make_data(tmp_path_factory.mktemp('launch'))


def dist_train(config, processes, work_dir, *options, **environment):
    return run('bash', 'tools/dist_train.sh', config, processes, '--work-dir', work_dir, *options,
               **environment)


def test_two_processes_equal_one(data, tmp_path):
    one = training.write_config(tmp_path / 'one.py', data, batch_size=2)
    two = training.write_config(tmp_path / 'two.py', data, batch_size=1)
    done = run('python', 'tools/train.py', one, '--work-dir', tmp_path / 'one')
    assert done.returncode == 0, done.stderr
    done = dist_train(two, 2, tmp_path / 'two')
    assert done.returncode == 0, done.stderr
    assert '2 CPU processes over gloo' in done.stdout
    first, second = (training.losses(tmp_path / name) for name in ('one', 'two'))
    assert len(first) == 8 and first[0] != first[-1]
    assert first == pytest.approx(second, abs=1e-5)
    for a, b in zip(training.weights(tmp_path / 'one', 1).values(),
                    training.weights(tmp_path / 'two', 1).values()):
        assert torch.allclose(a.float(), b.float(), atol=1e-5)


def test_two_nodes_find_each_other(data, tmp_path):
    config = training.write_config(tmp_path / 'c.py', data)
    with socket.socket() as probe:
        probe.bind(('', 0))
        port = str(probe.getsockname()[1])
    nodes = [subprocess.Popen(
        ['bash', 'tools/dist_train.sh', config, '1', '--work-dir', tmp_path / 'w'],
        cwd=commands.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=commands.env(NNODES='2', NODE_RANK=str(rank), MASTER_ADDR='127.0.0.1', PORT=port))
        for rank in range(2)]
    outputs = [node.communicate(timeout=300) for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], outputs
    assert '2 CPU processes over gloo' in outputs[0][0]
    assert len(training.losses(tmp_path / 'w')) == 8


def test_a_killed_run_resumes_to_the_same_weights(data, tmp_path):
    config = training.write_config(tmp_path / 'c.py', data, epochs=4, augment=True)
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    command = ['python', 'tools/train.py', config, '--work-dir']
    assert run(*command, whole).returncode == 0
    process = subprocess.Popen([*map(str, command), str(broken)], cwd=commands.ROOT,
                               env=commands.env(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    started = time.monotonic()
    while not (broken / 'epoch_2.pth').exists() or not (broken / 'last_checkpoint').exists():
        assert process.poll() is None and time.monotonic() - started < 200
        time.sleep(.01)
    subprocess.run(['kill', '-KILL', f'-{process.pid}'], check=True)
    assert process.wait() == -signal.SIGKILL
    assert not (broken / 'epoch_4.pth').exists()
    done = run(*command, broken, '--resume')
    assert done.returncode == 0, done.stderr
    assert 'resumed' in done.stdout
    expected = training.weights(whole, 4)
    for key, value in training.weights(broken, 4).items():
        assert torch.equal(value, expected[key]), key


def test_a_run_is_not_trained_over(data, tmp_path):
    config = training.write_config(tmp_path / 'c.py', data)
    (tmp_path / 'w').mkdir()
    (tmp_path / 'w' / 'last_checkpoint').write_text('epoch_9.pth')
    for launcher in (lambda: run('python', 'tools/train.py', config, '--work-dir', tmp_path / 'w'),
                     lambda: dist_train(config, 2, tmp_path / 'w')):
        message = complaint(launcher())
        assert message.count('already holds a run') == 1 and '--resume' in message
    assert [path.name for path in (tmp_path / 'w').iterdir()] == ['last_checkpoint']


def test_a_checkpoint_of_another_model_stops_the_run(data, tmp_path):
    torch.save(dict(state_dict={'backbone.layer1.weight': torch.ones(1)}), tmp_path / 'other.pth')
    config = training.write_config(tmp_path / 'c.py', data, load_from=str(tmp_path / 'other.pth'))
    message = complaint(dist_train(config, 2, tmp_path / 'w'))
    assert '0 of ' in message and 'keys matched' in message and 'layer1.weight' in message
    assert not list(tmp_path.glob('w/*.pth'))


def test_a_busy_port_is_said_at_once(data, tmp_path):
    config = training.write_config(tmp_path / 'c.py', data)
    with socket.socket() as busy:
        busy.bind(('', 0))
        busy.listen()
        port = busy.getsockname()[1]
        message = complaint(dist_train(config, 2, tmp_path / 'w', PORT=str(port)))
    assert f'PORT={port} cannot be used' in message
    assert not (tmp_path / 'w').exists()


@pytest.mark.parametrize('arguments, words', [
    (['configs/none.py', '1'], 'configs/none.py does not exist'),
    (['configs/det/mask_rcnn_vitaev2_s_3x.py', 'two'], "PROCESSES='two'"),
    (['configs/det/mask_rcnn_vitaev2_s_3x.py', '1', '--cfg-options',
      'train_dataloader.dataset.data_root=none/'], 'none does not exist'),
])
def test_mistakes_are_one_message(arguments, words, tmp_path):
    assert words in complaint(dist_train(*arguments[:2], tmp_path / 'w', *arguments[2:]))
    assert not list(tmp_path.glob('w/*.pth'))


def test_a_bad_backbone_option_is_one_message(data, tmp_path):
    config = training.write_config(tmp_path / 'c.py', data)
    message = complaint(dist_train(config, 2, tmp_path / 'w', '--cfg-options',
                                   'model.backbone.arch=huge'))
    assert message.count("arch='huge' is unknown: choose from ['48m', 'base', 'small']") == 1
    assert not list(tmp_path.glob('w/*.pth'))


def test_amp_and_compile_on_the_cpu(data, tmp_path):
    config = training.write_config(tmp_path / 'c.py', data, batch_size=4)
    done = run('python', 'tools/train.py', config, '--work-dir', tmp_path / 'w', '--amp',
               '--compile')
    assert done.returncode == 0, done.stderr
    assert 'BFloat16OptimWrapper' in done.stdout
    assert len(training.losses(tmp_path / 'w')) == 4


def test_the_learning_rate_scales_with_the_batch(data, tmp_path):
    config = training.write_config(tmp_path / 'c.py', data, batch_size=4,
                                   auto_scale_lr=dict(base_batch_size=2))
    done = run('python', 'tools/train.py', config, '--work-dir', tmp_path / 'w',
               '--auto-scale-lr')
    assert done.returncode == 0, done.stderr
    saved = torch.load(tmp_path / 'w' / 'epoch_1.pth', weights_only=False)
    assert saved['optimizer']['param_groups'][0]['initial_lr'] == pytest.approx(2e-3)


def test_scaling_without_a_base_is_refused(data, tmp_path):
    config = training.write_config(tmp_path / 'c.py', data)
    done = run('python', 'tools/train.py', config, '--work-dir', tmp_path / 'w',
               '--auto-scale-lr')
    assert 'base_batch_size=16' in complaint(done)
