import os
import pickle
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import MessageHub

from vitae_mm.checkpoints import read_checkpoint, write_checkpoint
from vitae_mm.errors import InputError


class Payload:
    """Runs a command when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_written_checkpoint_is_read(tmp_path):
    path = tmp_path / 'new' / 'a.pth'
    write_checkpoint(dict(state_dict=dict(w=torch.ones(2))), path)
    assert torch.equal(read_checkpoint(path)['state_dict']['w'], torch.ones(2))
    assert os.listdir(path.parent) == ['a.pth']


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / 'a.pth'
    write_checkpoint(dict(w=torch.ones(1)), path)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        write_checkpoint(dict(w=lambda: 0), path)
    assert torch.equal(read_checkpoint(path)['w'], torch.ones(1))
    assert os.listdir(tmp_path) == ['a.pth']


def test_code_in_a_file_does_not_run(tmp_path):
    path, made = tmp_path / 'a.pth', tmp_path / 'made'
    torch.save(dict(w=Payload(made)), path)
    with pytest.raises(InputError, match='--trust'):
        read_checkpoint(path)
    assert not made.exists()


class Access:
    """Accesses an attribute when unpickled."""

    def __reduce__(self):
        return getattr, (torch.nn.Module, '__init__')


def test_attributes_in_a_file_are_not_accessed(tmp_path):
    torch.save(dict(w=Access()), tmp_path / 'a.pth')
    with pytest.raises(InputError, match='--trust'):
        read_checkpoint(tmp_path / 'a.pth')


def test_code_in_a_trusted_file_runs(tmp_path):
    path, made = tmp_path / 'a.pth', tmp_path / 'made'
    torch.save(dict(w=Payload(made)), path)
    read_checkpoint(path, trust=True)
    assert made.exists()


def test_checkpoints_of_a_runner_are_read(tmp_path):
    hub = MessageHub.get_instance('test_checkpoints_of_a_runner_are_read')
    hub.update_scalar('train/loss', np.float64(1.5))
    hub.update_scalar('train/loss', torch.tensor(2.5))
    torch.save(dict(message_hub=hub.state_dict(), state_dict={}), tmp_path / 'a.pth')
    loaded = read_checkpoint(tmp_path / 'a.pth')['message_hub']
    assert loaded['log_scalars']['train/loss'].mean() == 2


@pytest.mark.parametrize(
    'value',
    [
        np.zeros(3, 'u1'),
        np.zeros(3, 'f2'),
        np.array(['a']),
        np.float32(1),
        ConfigDict(classes=('a',)),
    ],
    ids=str,
)
def test_metadata_of_a_dataset_is_read(tmp_path, value):
    torch.save(dict(meta=value), tmp_path / 'a.pth')
    assert np.array_equal(read_checkpoint(tmp_path / 'a.pth')['meta'], value)


@pytest.mark.parametrize('tail', [b'', b'PK\x05\x06'], ids=['', 'two ends'])
def test_programs_are_refused(tmp_path, tail):
    """Python's reader of zip files and PyTorch's disagree about a file with two ends."""
    torch.jit.script(torch.nn.Linear(1, 1)).save(tmp_path / 'a.pth')
    (tmp_path / 'a.pth').write_bytes((tmp_path / 'a.pth').read_bytes() + tail)
    with pytest.raises(InputError, match='TorchScript program'):
        read_checkpoint(tmp_path / 'a.pth')


def test_a_setting_of_pytorch_that_forbids_reading_is_named(tmp_path, monkeypatch):
    torch.save({}, tmp_path / 'a.pth')
    monkeypatch.setenv('TORCH_FORCE_WEIGHTS_ONLY_LOAD', '1')
    with pytest.raises(InputError, match='TORCH_FORCE_WEIGHTS_ONLY_LOAD is set'):
        read_checkpoint(tmp_path / 'a.pth')


def test_an_unreadable_file_is_reported(tmp_path, monkeypatch):
    torch.save({}, tmp_path / 'a.pth')

    def deny(*args, **kwargs):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(torch, 'load', deny)
    with pytest.raises(InputError, match='cannot be read: Permission denied'):
        read_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize('keep', [0, 10, 0.5, 0.99])
def test_a_truncated_file_is_reported(tmp_path, keep):
    path = tmp_path / 'a.pth'
    torch.save(dict(w=torch.rand(1000)), path)
    content = path.read_bytes()
    path.write_bytes(content[: keep if isinstance(keep, int) else int(keep * len(content))])
    with pytest.raises(InputError, match='truncated'):
        read_checkpoint(path)


def test_the_processes_of_a_machine_download_a_checkpoint_once(tmp_path, monkeypatch):
    requests = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            time.sleep(0.2)  # all processes ask before the first has it
            super().do_GET()

        def log_message(self, *args):
            pass

    torch.save(dict(w=torch.ones(1)), tmp_path / 'epoch_1.pth')
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Handler, directory=tmp_path))
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    address = f'http://127.0.0.1:{server.server_port}/epoch_1.pth'
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(read_checkpoint, [address] * 4))
    server.shutdown()
    assert requests == ['/epoch_1.pth'] and all(content == dict(w=1) for content in found)


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(InputError, match='none.pth does not exist'):
        read_checkpoint(tmp_path / 'none.pth')


def test_a_missing_module_of_a_trusted_file_is_reported(tmp_path, monkeypatch):
    module = types.ModuleType('not_here')
    module.Settings = type('Settings', (), dict(__module__='not_here'))
    monkeypatch.setitem(sys.modules, 'not_here', module)
    torch.save(dict(settings=module.Settings()), tmp_path / 'a.pth')
    monkeypatch.delitem(sys.modules, 'not_here')
    with pytest.raises(InputError, match='not installed here.*not_here.*: install it'):
        read_checkpoint(tmp_path / 'a.pth', trust=True)
