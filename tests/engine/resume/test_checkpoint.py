import shutil

import pytest
import torch
from mmengine.config import Config

from vitae_mm.engine.resume import (
    check_resumable,
    checkpoint,
    last_checkpoint,
    report_finished,
    resume_as_rank_0,
    resume_from,
)
from vitae_mm.errors import InputError

COMPLETE = dict(
    meta=dict(epoch=4, iter=16),
    state_dict=dict(w=torch.ones(1)),
    optimizer=dict(state={}, param_groups=[]),
    message_hub=dict(log_scalars={}),
)


@pytest.fixture
def work_dir(tmp_path):
    """The work dir of a run with one checkpoint."""
    folder = tmp_path / 'w'
    folder.mkdir()
    torch.save(COMPLETE, folder / 'epoch_4.pth')
    (folder / 'last_checkpoint').write_text(str(folder / 'epoch_4.pth'))
    return folder


def make_config(work_dir, **entries):
    return Config(dict(work_dir=str(work_dir), **entries))


def test_a_work_dir_resumes_from_itself(work_dir, tmp_path):
    assert last_checkpoint(work_dir) == work_dir / 'epoch_4.pth'
    copied, moved = tmp_path / 'copied', tmp_path / 'moved'
    shutil.copytree(work_dir, copied)
    assert last_checkpoint(copied) == copied / 'epoch_4.pth'
    work_dir.rename(moved)
    assert last_checkpoint(moved) == moved / 'epoch_4.pth'


def test_checkpoints_may_lie_elsewhere(work_dir, tmp_path):
    (work_dir / 'epoch_4.pth').rename(tmp_path / 'epoch_4.pth')
    (work_dir / 'last_checkpoint').write_text(f'{tmp_path}/epoch_4.pth\n')
    assert last_checkpoint(work_dir) == tmp_path / 'epoch_4.pth'
    (tmp_path / 'epoch_4.pth').unlink()
    # the one that is missing is named
    assert last_checkpoint(work_dir) == work_dir / 'epoch_4.pth'


def test_a_work_dir_without_checkpoints_has_no_last_one(tmp_path):
    assert last_checkpoint(tmp_path / 'none') is None
    (tmp_path / 'last_checkpoint').touch()
    assert last_checkpoint(tmp_path) is None


@pytest.mark.parametrize(
    'option, entries, expected',
    [
        ('auto', {}, 'epoch_4.pth'),
        ('auto', dict(load_from='start.pth'), 'epoch_4.pth'),
        ('auto', dict(load_from='start.pth', resume=True), 'epoch_4.pth'),
        ('other.pth', dict(load_from='start.pth'), 'other.pth'),
        (None, dict(resume=True), 'epoch_4.pth'),
        (None, dict(resume=True, load_from=None), 'epoch_4.pth'),
        (None, dict(resume=True, load_from='start.pth'), 'start.pth'),
    ],
)
def test_option_and_config_tell_what_to_resume(option, entries, expected, work_dir):
    cfg = make_config(work_dir, **entries)
    resume_from(cfg, option)
    assert cfg.resume and cfg.load_from.rpartition('/')[2] == expected


@pytest.mark.parametrize('option, entries', [('auto', {}), (None, dict(resume=True))])
def test_without_a_checkpoint_a_new_run_starts(option, entries, tmp_path, capsys):
    cfg = make_config(tmp_path, load_from=None, **entries)
    resume_from(cfg, option)
    assert not cfg.resume and 'starting a new run' in capsys.readouterr().out


def test_rank_0_chooses_for_all(work_dir, tmp_path, monkeypatch):
    chosen = {}

    def from_rank_0(name, value):
        return chosen.setdefault(name, value)

    monkeypatch.setattr(checkpoint, 'from_rank_0', from_rank_0)
    first = make_config(work_dir, train_cfg=dict(max_epochs=9))
    assert resume_as_rank_0(first, 'auto') is None
    monkeypatch.setenv('RANK', '8')
    second = make_config(tmp_path / 'empty', train_cfg=dict(max_epochs=9))
    assert resume_as_rank_0(second, 'auto') is None
    assert second.resume and second.load_from == first.load_from == str(work_dir / 'epoch_4.pth')
    (work_dir / 'epoch_4.pth').unlink()
    with pytest.raises(InputError, match='from which rank 0 resumes, does not exist on'):
        resume_as_rank_0(second, 'auto')
    monkeypatch.setenv('LOCAL_RANK', '1')  # one process of a machine reports it
    resume_as_rank_0(second, 'auto')


def without(*names, **entries):
    return {**{k: v for k, v in COMPLETE.items() if k not in names}, **entries}


@pytest.mark.parametrize(
    'content, missing',
    [
        (dict(w=torch.ones(1)), 'the state of the optimizer, the epoch, the iteration'),
        (without('meta'), 'lacks the epoch, the iteration:'),
        (without('optimizer'), 'lacks the state of the optimizer:'),
        (without('message_hub'), 'lacks the log history:'),
        (without(meta=dict(epoch=3)), 'lacks the iteration:'),
        (without(meta=dict(epoch='three', iter=1)), 'lacks the epoch:'),
        ([1], 'the state of the optimizer'),
    ],
)
def test_what_is_missing_is_named(content, missing):
    with pytest.raises(InputError, match=missing) as error:
        check_resumable(content, 'a.pth')
    assert 'load_from=a.pth' in str(error.value)


def test_schedulers_may_be_missing():
    check_resumable(COMPLETE, 'a.pth')


@pytest.mark.parametrize(
    'train_cfg, message',
    [
        (dict(max_epochs=4), 'finished (epoch 4 of 4)'),
        (dict(max_epochs=3), 'raise train_cfg.max_epochs.'),
        (dict(max_iters=16), 'finished (iteration 16 of 16)'),
    ],
)
def test_a_finished_run_is_reported(train_cfg, message, work_dir):
    cfg = make_config(work_dir, train_cfg=train_cfg, resume=True)
    resume_from(cfg, None)
    assert message in report_finished(cfg)


@pytest.mark.parametrize('train_cfg', [dict(max_epochs=5), dict(max_iters=17), dict(type='Mine')])
def test_other_runs_are_not_finished(train_cfg, work_dir):
    cfg = make_config(work_dir, train_cfg=train_cfg, resume=True)
    resume_from(cfg, None)
    assert report_finished(cfg) is None
    assert report_finished(make_config(work_dir, train_cfg=dict(max_epochs=1))) is None
