import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.fileio import LocalBackend, backends, get_file_backend
from mmengine.hooks import CheckpointHook
from mmengine.logging import MessageHub
from mmengine.runner import save_checkpoint

from vitae_mm.engine.hooks import WholeCheckpointHook


@pytest.fixture(autouse=True)
def restore_backend():
    yield
    backends.register_backend('local', LocalBackend, force=True, prefixes='')


class Runner:
    """The part of a runner that the hook uses; it can be killed while it saves."""

    def __init__(self, folder, name):
        self.work_dir, self.epoch, self.iter = str(folder), 0, 0
        self.message_hub = MessageHub.get_instance(name)
        self.message_hub.runtime_info.clear()
        self.logger = SimpleNamespace(info=print, warning=print)
        self.killed_at = None

    def save_checkpoint(self, out_dir, filename, *_, meta, **__):
        if filename == self.killed_at:
            raise KeyboardInterrupt
        state = dict(meta=meta, info=dict(self.message_hub.runtime_info))
        save_checkpoint(state, f'{out_dir}/{filename}')


@pytest.fixture
def runner(tmp_path, request):
    return Runner(tmp_path, request.node.name)


def train(hook, runner, scores):
    for score in scores:
        hook._save_checkpoint(runner)
        runner.epoch += 1
        hook.after_val_epoch(runner, {'acc': score})


def files(runner):
    return sorted(path.name for path in Path(runner.work_dir).glob('*.pth'))


def marked(runner):
    return Path(Path(runner.work_dir, 'last_checkpoint').read_text()).name


def start(runner, **options):
    hook = WholeCheckpointHook(interval=1, **options)
    hook.before_train(runner)
    return hook


@pytest.mark.parametrize(
    'options',
    [
        {},
        dict(max_keep_ckpts=1),
        dict(max_keep_ckpts=2),
        dict(save_best='acc'),
        dict(max_keep_ckpts=1, save_best='auto', rule='greater'),
        dict(max_keep_ckpts=2, save_best=['acc', 'acc2'], rule='greater'),
    ],
)
def test_it_keeps_the_same_checkpoints_as_mmengine(options, tmp_path, request):
    kept = []
    for kind in (CheckpointHook, WholeCheckpointHook):
        folder = tmp_path / kind.__name__
        runner = Runner(folder, f'{request.node.name}{kind.__name__}')
        folder.mkdir()
        hook = kind(interval=1, **options)
        hook.before_train(runner)
        for score in (0.1, 0.5, 0.3, 0.9, 0.2):
            hook._save_checkpoint(runner)
            runner.epoch += 1
            hook.after_val_epoch(runner, dict(acc=score, acc2=-score))
        info = {
            key: str(value).replace(str(folder), '')
            for key, value in runner.message_hub.runtime_info.items()
        }
        kept.append((files(runner), marked(runner), info))
    assert kept[0] == kept[1]
    assert kept[1][1] == 'epoch_5.pth'


def test_the_last_checkpoint_is_kept_until_the_next_is_written(runner):
    hook = start(runner, max_keep_ckpts=1)
    train(hook, runner, [0.1])
    runner.killed_at = 'epoch_2.pth'
    with pytest.raises(KeyboardInterrupt):
        train(hook, runner, [0.2])
    assert files(runner) == ['epoch_1.pth'] and marked(runner) == 'epoch_1.pth'


def test_the_best_checkpoint_is_kept_until_the_next_is_written(runner):
    hook = start(runner, max_keep_ckpts=1, save_best='acc')
    train(hook, runner, [0.1])
    runner.killed_at = 'best_acc_epoch_2.pth'
    with pytest.raises(KeyboardInterrupt):
        train(hook, runner, [0.2])
    assert files(runner) == ['best_acc_epoch_1.pth', 'epoch_2.pth']
    # the checkpoint to resume from names the best one that exists
    best = torch.load(f'{runner.work_dir}/epoch_2.pth', weights_only=False)['info']['best_ckpt']
    assert best.endswith('best_acc_epoch_1.pth')


@pytest.mark.parametrize('keys', ['acc', ['acc', 'acc2']])
def test_a_copied_run_leaves_the_best_of_the_original(keys, runner, tmp_path):
    options = dict(save_best=keys, rule='greater')
    runner.work_dir = str(tmp_path / 'original')
    hook = start(runner, **options)
    hook._save_checkpoint(runner)
    runner.epoch += 1
    hook.after_val_epoch(runner, dict(acc=0.1, acc2=0.1))
    best = [name for name in files(runner) if name.startswith('best')]
    shutil.copytree(tmp_path / 'original', tmp_path / 'copy')
    runner.work_dir = str(tmp_path / 'copy')
    hook = start(runner, **options)
    runner.epoch += 1
    hook.after_val_epoch(runner, dict(acc=0.2, acc2=0.2))
    assert not set(best) & set(files(runner))
    runner.work_dir = str(tmp_path / 'original')
    assert set(best) < set(files(runner))


def test_a_failed_write_leaves_no_file(runner, monkeypatch):
    hook = start(runner, max_keep_ckpts=1)
    train(hook, runner, [0.1])

    def full_disk(path, content):
        with path.open('wb') as file:
            file.write(content[: len(content) // 2])
        raise OSError('No space left on device')

    monkeypatch.setattr('pathlib.Path.write_bytes', full_disk)
    with pytest.raises(OSError, match='No space'):
        train(hook, runner, [0.2])
    assert files(runner) == ['epoch_1.pth'] and marked(runner) == 'epoch_1.pth'


def test_partly_written_files_are_removed(runner, tmp_path):
    (tmp_path / '.epoch_2.77.tmp.pth').write_bytes(b'half of')
    (tmp_path / 'epoch_1.pth').write_bytes(b'')
    start(runner)
    assert [path.name for path in tmp_path.iterdir()] == ['epoch_1.pth']


def test_other_storage_is_unchanged():
    assert get_file_backend('http://somewhere/file').name == 'HTTPBackend'
