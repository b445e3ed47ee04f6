"""How trainings end that fail."""

import json

import pytest
import torch

from vitae_mm.engine.config import load_config
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError

from ..helpers import training
from ..helpers.commands import complaint, run

pytestmark = pytest.mark.slow

HIGH_RATE = ['--no-rehearsal', '--cfg-options', 'optim_wrapper.optimizer.lr=1e20']


def logs(work_dir):
    return '\n'.join(path.read_text() for path in work_dir.glob('*/*.log'))


@pytest.mark.parametrize('strategy', [[], ['strategy.type=SingleDeviceStrategy']])
def test_a_diverging_run_ends(strategy, data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data, epochs=3)
    work_dir = tmp_path / 'w'
    done = run('python', 'tools/train.py', config, '--work-dir', work_dir, *HIGH_RATE, *strategy)
    message = complaint(done)
    assert done.returncode == 1 and message.count('error') == 1
    assert 'step 2 (epoch 1): loss=nan; the last finite losses, at step 1, are loss=' in message
    assert not list(work_dir.glob('*.pth'))
    assert 'Traceback' in logs(work_dir)


def test_diverging_processes_end_with_one_message(data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data, epochs=3)
    done = run('bash', 'tools/dist_train.sh', config, 2, '--work-dir', tmp_path / 'w', *HIGH_RATE)
    message = complaint(done)
    assert message.count('step 2 (epoch 1): loss=nan') == message.count('error') == 1


def test_weights_that_are_not_finite_are_not_used(data, tmp_path, run_tool):
    config, path = training.write_classifier(tmp_path / 'c.py', data), tmp_path / 'a.pth'
    state = build_model(load_config(str(config))).state_dict()
    state['head.fc.bias'][0] = float('nan')
    torch.save(dict(state_dict=state), path)
    image = next((data / 'images/val').iterdir())
    for tool, *options in (
        ['test', '--work-dir', tmp_path / 'w'],
        ['demo', image, '--out', tmp_path / 'out'],
    ):
        with pytest.raises(InputError, match=r'a\.pth: 1 of .* such as head\.fc\.bias'):
            run_tool(f'tools/{tool}.py', config, path, *options)


def test_annotations_in_utf_8_are_read_in_any_locale(data, tmp_path):
    content = json.loads((data / 'annotations/instances_train.json').read_text())
    content['info'] = dict(description='Kölner Straßen')
    path = tmp_path / 'train.json'
    path.write_text(json.dumps(content, ensure_ascii=False), encoding='utf-8')
    config = training.write_detector(tmp_path / 'c.py', data)
    done = run(
        'python',
        'tools/train.py',
        config,
        '--work-dir',
        tmp_path / 'w',
        '--dry-run',
        '--cfg-options',
        f'train_dataloader.dataset.ann_file={path}',
        LC_ALL='C',
        PYTHONUTF8='0',
        PYTHONCOERCECLOCALE='0',
    )
    assert done.returncode == 0, done.stderr
