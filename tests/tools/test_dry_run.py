"""tools/train.py --dry-run."""

import pytest
import torch

from vitae_mm.errors import InputError

from ..helpers import training
from ..helpers.commands import complaint, run

pytestmark = pytest.mark.slow


def dry_run(config, work_dir, *options, processes=None):
    command = (
        ['python', 'tools/train.py', config]
        if processes is None
        else ['bash', 'tools/dist_train.sh', config, processes]
    )
    return run(*command, '--dry-run', '--work-dir', work_dir, *options, COLUMNS='200')


def test_it_does_not_train_or_write(data, tmp_path):
    config = training.write_pose_estimator(tmp_path / 'c.py', data)
    before = contents(data), contents(tmp_path)
    done = dry_run(config, tmp_path / 'w')
    assert done.returncode == 0, done.stderr
    assert 'dry run: all checks passed' in done.stdout and 'backbone ViTAEv2' in done.stdout
    assert 'epoch 1/' not in done.stdout
    assert (contents(data), contents(tmp_path)) == before


def test_two_processes_print_one_table(data, tmp_path):
    config = training.write_classifier(
        tmp_path / 'c.py', data, batch_size=2, auto_scale_lr=dict(base_batch_size=2)
    )
    done = dry_run(config, tmp_path / 'w', '--auto-scale-lr', '--amp', processes=2)
    assert done.returncode == 0, done.stderr
    assert '2 CPU processes over gloo' in done.stdout
    for words in (
        'processes 2 x samples 2 x accumulation 1 = 4',
        'epochs 1 x steps 4 = 4 steps',
        '0.02, scaled by 2',
        'mixed with bfloat16',
    ):
        assert done.stdout.count(words) == 1, done.stdout
    assert not (tmp_path / 'w').exists()


def test_an_earlier_run_is_not_changed(data, tmp_path):
    config, work_dir = training.write_classifier(tmp_path / 'c.py', data), tmp_path / 'w'
    assert run('python', 'tools/train.py', config, '--work-dir', work_dir).returncode == 0
    before = contents(work_dir)
    assert 'already contains a run' in complaint(dry_run(config, work_dir))
    done = dry_run(config, work_dir, '--overwrite')
    assert done.returncode == 0, done.stderr
    done = dry_run(config, work_dir, '--resume', '--cfg-options', 'train_cfg.max_epochs=2')
    assert done.returncode == 0, done.stderr
    count = len(training.weights(work_dir, 1))
    assert f'epoch_1.pth: {count} of {count} keys matched' in done.stdout
    assert contents(work_dir) == before


def test_an_error_is_reported_once(data, tmp_path):
    torch.save({'layer1.weight': torch.ones(1)}, tmp_path / 'other.pth')
    config = training.write_classifier(tmp_path / 'c.py', data)
    done = dry_run(
        config,
        tmp_path / 'w',
        '--cfg-options',
        'model.backbone.init_cfg.type=Pretrained',
        f'model.backbone.init_cfg.checkpoint={tmp_path / "other.pth"}',
        processes=2,
    )
    message = complaint(done)
    assert 'does not fit ViTAEv2: 0 of' in message and message.count('error: ') == 1
    assert 'dry run' not in done.stdout and not (tmp_path / 'w').exists()


def test_conflicting_options_are_rejected(data, tmp_path, run_tool):
    config = training.write_classifier(
        tmp_path / 'c.py', data, optim_wrapper=dict(type='ApexOptimWrapper')
    )
    with pytest.raises(InputError, match=r'--resume continues .* --overwrite replaces it'):
        run_tool('tools/train.py', config, '--dry-run', '--resume', '--overwrite')
    with pytest.raises(
        InputError, match="--amp: optim_wrapper type 'ApexOptimWrapper' is not supp"
    ):
        run_tool('tools/train.py', config, '--dry-run', '--amp')


def test_float16_on_a_cpu_is_rejected(data, tmp_path, run_tool):
    config = training.write_classifier(tmp_path / 'c.py', data)
    with pytest.raises(InputError, match='float16 is for GPUs, but this run is on a CPU'):
        run_tool('tools/train.py', config, '--dry-run', '--amp', 'float16')


def test_a_training_without_full_batches_is_rejected(data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data)
    options = ('--cfg-options', 'train_dataloader.drop_last=True', 'train_dataloader.batch_size=9')
    done = run('bash', 'tools/dist_train.sh', config, 2, '--work-dir', tmp_path / 'w', *options)
    assert '16 samples are not enough for a full batch in each process' in complaint(done)


def contents(folder):
    """Path, size and time of every file."""
    return {(path, path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob('*')}
