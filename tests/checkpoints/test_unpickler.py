"""Only tensors and what training programs save with them is unpickled."""

import argparse
import collections
import io
import pathlib
import pickle
import struct

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from torch import nn

from vitae_mm.checkpoints.unpickler import DisallowedObjectError, weights_pickle


def load(path):
    return torch.load(path, pickle_module=weights_pickle, weights_only=False)


class Saved:
    """Pickled as a call of a function."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('zipped', [True, False])
@pytest.mark.parametrize(
    'value',
    [
        *(torch.ones(2, 3).to(getattr(torch, kind)) for kind in ('bfloat16', 'bool', 'uint8')),
        torch.ones(3, 4).t(),
        nn.Parameter(torch.ones(2)),
        torch.Size([1, 2]),
        torch.device('cpu'),
        torch.float16,
        {1, 2},
        b'',
        b'abc',
        1 + 2j,
        collections.OrderedDict(a=1),
        collections.Counter('aab'),
        np.arange(3),
        np.float64(2),
        np.array(['a']),
        pathlib.Path('a/b'),
        argparse.Namespace(lr=1e-3),
    ],
    ids=lambda value: f'{type(value).__name__} {value}'.partition('(')[0],
)
def test_what_checkpoints_contain_is_read(tmp_path, value, zipped):
    torch.save(dict(value=value), tmp_path / 'a.pth', _use_new_zipfile_serialization=zipped)
    read = load(tmp_path / 'a.pth')['value']
    assert type(read) is type(value)
    if isinstance(value, torch.Tensor):
        assert read.dtype == value.dtype
        assert torch.equal(read, value)
    else:
        assert np.array_equal(read, value)


def test_shared_storage_stays_shared(tmp_path):
    weight = torch.zeros(4)
    torch.save([weight, weight[1:]], tmp_path / 'a.pth')
    whole, part = load(tmp_path / 'a.pth')
    part[0] = 1
    assert whole[1] == 1


@pytest.mark.parametrize('core', ['core', '_core'], ids=['NumPy 1', 'NumPy 2'])
def test_arrays_of_other_versions_of_numpy_are_read(tmp_path, core):
    content = pickle.dumps(np.float64(2), protocol=2)
    for name in (b'numpy.core.multiarray', b'numpy._core.multiarray'):
        content = content.replace(b'c' + name, b'cnumpy.%s.multiarray' % core.encode())
    (tmp_path / 'a.pkl').write_bytes(content)
    with open(tmp_path / 'a.pkl', 'rb') as file:
        assert weights_pickle.load(file) == 2


@pytest.mark.parametrize(
    'value',
    [
        Saved(eval, '1'),
        Saved(getattr, dict, 'fromkeys'),
        Saved(getattr, HistoryBuffer, '__init__'),
        Saved(torch.load, 'a.pth'),
        Saved(np.load, 'a.npy'),
        nn.Linear(1, 1),
        torch.storage._load_from_bytes,
    ],
    ids=['eval', 'getattr', 'method', 'torch.load', 'numpy.load', 'module', 'storage'],
)
@pytest.mark.parametrize('zipped', [True, False])
def test_anything_else_is_refused(tmp_path, value, zipped):
    torch.save(dict(value=value), tmp_path / 'a.pth', _use_new_zipfile_serialization=zipped)
    with pytest.raises(DisallowedObjectError):
        load(tmp_path / 'a.pth')


CURRENT = Saved(getattr, HistoryBuffer, 'current')


def refused(content):
    """Reads a pickle that must be refused, and returns why."""
    with pytest.raises(DisallowedObjectError) as info:
        weights_pickle.load(io.BytesIO(content))
    return str(info.value)


@pytest.mark.parametrize(
    'target', ['mmengine.logging.history_buffer HistoryBuffer', '_codecs encode', 'torch Tensor']
)
def test_types_and_functions_cannot_be_modified(target):
    module, name = target.split()
    # an allowed name, a pair of no state and {'mean': None}, and BUILD
    attributes = pickle.dumps((None, dict(mean=None)), protocol=2)[2:-1]
    assert name in refused(f'c{module}\n{name}\n'.encode() + attributes + b'b.')


def test_attributes_of_a_tensor_do_not_reach_other_objects():
    """A function that returns any object in place of a tensor."""
    inner = argparse.Namespace(as_subclass=CURRENT)
    holder = argparse.Namespace(_log_history=[inner])
    rebuild = torch._tensor._rebuild_from_type_v2
    content = Saved(rebuild, CURRENT, torch.Tensor, (holder,), dict(mean=None))
    assert 'a tensor made by' in refused(pickle.dumps(content, protocol=2))


def test_methods_of_log_histories_are_not_called():
    function, args = (
        pickle.dumps(part, protocol=2)[2:-1]
        for part in (CURRENT, (argparse.Namespace(_log_history=[1]),))
    )
    assert 'a call of' in refused(b'\x80\x02' + function + args + b'R.')


@pytest.mark.parametrize(
    'name, argument',
    [('torch Tensor', b'cdata'), ('torch.storage UntypedStorage', b'allocator')],
    ids=['tensor', 'storage'],
)
def test_addresses_are_not_accepted(name, argument):
    """Hidden arguments of PyTorch's constructors are pointers."""
    pointer = b'}\x8c' + bytes([len(argument)]) + argument + b'J\x41\x41\x41\x41s'
    kind = b'c' + name.replace(' ', '\n').encode() + b'\n'
    assert 'unusual' in refused(b'\x80\x04' + kind + b')' + pointer + b'\x92.')


@pytest.mark.parametrize(
    'content, reason',
    [
        (Saved(np.ndarray, (1,), np.dtype('u8'), b'A' * 8), 'a call of'),
        (np.array([None]), "dtype 'O8'"),
        (np.zeros(1, [('a', 'O')]), "dtype 'V8'"),
        (np.zeros(1, 'M8[s]'), "dtype 'M8'"),
    ],
    ids=['array', 'objects', 'fields', 'dates'],
)
def test_arrays_of_objects_are_refused(content, reason):
    assert reason in refused(pickle.dumps(content, protocol=2))


def test_the_state_of_a_dtype_cannot_add_fields():
    dtype = b'cnumpy\ndtype\n(X\x02\x00\x00\x00u8tR'
    state = (3, '|', None, ('a',), {'a': (np.dtype('u8'), 0)}, 8, 1, 0)
    assert 'a dtype with state' in refused(dtype + pickle.dumps(state, protocol=2)[2:-1] + b'b.')


@pytest.mark.parametrize(
    'addition',
    [b'Na', b'(Ne', b'(N\x90', b'NNs', b'(NNu'],
    ids=['append', 'extend', 'add', 'set', 'update'],
)
def test_only_containers_get_content(addition):
    """Methods of these names could be anything."""
    namespace = pickle.dumps(argparse.Namespace(), protocol=2)[2:-1]
    assert 'content of a Namespace' in refused(b'\x80\x04' + namespace + addition + b'.')


def test_names_with_dots_are_refused():
    """STACK_GLOBAL of protocol 4 would walk over attributes."""
    parts = [b'collections', b'OrderedDict.__init__']
    strings = b''.join(b'\x8c' + struct.pack('B', len(part)) + part for part in parts)
    assert 'OrderedDict.__init__' in refused(b'\x80\x04' + strings + b'\x93.')
