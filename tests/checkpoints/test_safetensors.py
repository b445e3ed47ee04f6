"""Weights as safetensors."""

import os

import mmpretrain
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import load_checkpoint
from safetensors import safe_open
from torch import nn

from vitae_mm.backbones import ViTAEv2
from vitae_mm.checkpoints import load_pretrained, read_checkpoint, write_checkpoint
from vitae_mm.engine.models import build_meta_model, build_model, load_model
from vitae_mm.engine.rehearsal.rules import check_start_weights
from vitae_mm.engine.resume import check_resumable
from vitae_mm.errors import InputError

from ..helpers import training
from ..helpers.archs import TWO_STAGES

WEIGHT = torch.rand(4, 4)
STATE = dict(
    a=WEIGHT,
    shared=WEIGHT,
    transposed=WEIGHT.t(),
    part=WEIGHT[1],
    bfloat16=WEIGHT.bfloat16(),
    count=torch.tensor(3),
    conv=torch.rand(2, 3, 3, 3).to(memory_format=torch.channels_last),
    parameter=nn.Parameter(torch.rand(2)),
    none=torch.zeros(0),
)


def write(path, state=STATE, **meta):
    write_checkpoint(dict(state_dict=state, meta=meta), path)
    return path


def test_all_tensors_are_restored(tmp_path):
    state = read_checkpoint(write(tmp_path / 'a.safetensors'))['state_dict']
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[key], value) for key, value in STATE.items())
    assert all(state[key].dtype == value.dtype for key, value in STATE.items())
    assert os.listdir(tmp_path) == ['a.safetensors']
    (tmp_path / 'other').touch()
    assert (tmp_path / 'a.safetensors').stat().st_mode == (tmp_path / 'other').stat().st_mode


def test_metadata_are_strings_and_restored(tmp_path):
    points = dict(keypoint_id2name={0: 'nose'}, sigmas=np.ones(2), classes=('眼', 'nose'))
    path = write(tmp_path / 'a.safetensors', network='ViTAEv2', epoch=3, dataset_meta=points)
    with safe_open(path, 'pt') as file:
        assert file.metadata()['network'] == 'ViTAEv2' and file.metadata()['epoch'] == '3'
    kept = read_checkpoint(path)['meta']['dataset_meta']
    assert kept == dict(keypoint_id2name={0: 'nose'}, sigmas=[1, 1], classes=['眼', 'nose'])
    # as when a file that was read is written again
    assert read_checkpoint(write(path, **read_checkpoint(path)['meta']))['meta']['epoch'] == '3'


def test_tensors_are_moved(tmp_path):
    state = read_checkpoint(write(tmp_path / 'a.safetensors'), map_location='meta')['state_dict']
    assert all(value.is_meta for value in state.values())


def refusal(path):
    with pytest.raises(InputError) as error:
        read_checkpoint(path)
    return str(error.value)


@pytest.mark.parametrize('keep', [0, 5, 100, 0.99])
def test_a_truncated_file_is_reported(tmp_path, keep):
    path = write(tmp_path / 'a.safetensors')
    content = path.read_bytes()
    path.write_bytes(content[: keep if isinstance(keep, int) else int(keep * len(content))])
    assert 'truncated or not a safetensors file' in refusal(path)


@pytest.mark.parametrize('zipped', [True, False])
def test_a_renamed_pytorch_file_is_reported(tmp_path, zipped):
    path = tmp_path / 'a.safetensors'
    torch.save(dict(a=WEIGHT), path, _use_new_zipfile_serialization=zipped)
    assert 'is a PyTorch file: rename it to a.pth' in refusal(path)


def test_a_renamed_file_with_safetensors_is_reported(tmp_path):
    path = write(tmp_path / 'a.safetensors').rename(tmp_path / 'a.pth')
    assert 'rename it to a.safetensors' in refusal(path)


def test_a_file_without_tensors_is_reported(tmp_path):
    assert 'contains no tensors' in refusal(write(tmp_path / 'a.safetensors', {}))


def test_other_types_of_tensors_are_not_written(tmp_path):
    with pytest.raises(InputError, match=r'complex128; write a \.pth file'):
        write(tmp_path / 'a.safetensors', dict(a=torch.zeros(2, dtype=torch.complex128)))
    assert not os.listdir(tmp_path)


@pytest.fixture
def trained(tmp_path):
    """The config of a classifier and a file with its weights."""
    cfg = Config.fromfile(training.write_classifier(tmp_path / 'c.py', tmp_path))
    state = build_model(cfg).state_dict()
    return cfg, state, write(tmp_path / 'a.safetensors', state, dataset_meta=dict(classes=['a']))


def equal(state, other):
    return state.keys() == other.keys() and all(
        torch.equal(state[key], other[key]) for key in state
    )


def test_models_are_loaded(trained):
    cfg, state, path = trained
    model = load_model(cfg, str(path), device='cpu')
    assert equal(model.state_dict(), state) and model.dataset_meta == dict(classes=['a'])


def test_mmengine_and_mmpretrain_load_them(trained):
    """Also without the tools, which make mmengine read all checkpoints with our reader."""
    cfg, state, path = trained
    model = build_model(cfg)
    load_checkpoint(model, str(path))
    assert equal(model.state_dict(), state)
    assert equal(mmpretrain.get_model(cfg, pretrained=str(path)).state_dict(), state)


def test_a_run_starts_from_them_but_is_not_resumed(trained):
    cfg, _, path = trained
    cfg.load_from = str(path)
    [line] = check_start_weights(cfg, build_meta_model(cfg))
    assert 'keys matched' in line
    with pytest.raises(InputError, match='cannot be resumed, as it lacks the state of the optim'):
        check_resumable(read_checkpoint(path), path)


def test_backbones_start_from_them(tmp_path):
    source = ViTAEv2(TWO_STAGES).state_dict()
    path = write(tmp_path / 'a.safetensors', {f'backbone.{k}': v for k, v in source.items()})
    model = ViTAEv2(TWO_STAGES)
    load_pretrained(model, path)
    assert equal(model.state_dict(), source)
