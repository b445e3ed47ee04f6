"""Exported networks give the same outputs, for one size or any size."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import nn

from vitae_mm.backbones import ViTAEv2
from vitae_mm.engine.config import load_config
from vitae_mm.engine.fusion import fuse_for_inference
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError
from vitae_mm.export import (
    DeployedNetwork,
    describe,
    export_onnx,
    export_program,
    relative_difference,
)
from vitae_mm.selfsup import MaskedViTAE

from .helpers.archs import NARROW
from .helpers.commands import ROOT
from .helpers.stacks import needs_torch

needs_exporter = needs_torch('2.6', 'exporting a network')

# a single image, odd sides, sides divisible by all strides and windows, smaller than a window
SIZES = [(1, 64, 96), (3, 75, 131), (2, 224, 224), (1, 33, 48)]


class Model(nn.Module):
    """A model with a backbone, like a detector."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone


def deployed(network, arch, **options):
    torch.manual_seed(0)
    if network is ViTAEv2:
        options['out_indices'] = (0, 1, 2, 3)
    return DeployedNetwork(Model(network(arch, **options))).eval()


def assert_close(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert (a - b).abs().max() <= 1e-4 * b.abs().max()


@needs_exporter
@pytest.mark.parametrize('network, arch', NARROW.values(), ids=NARROW)
@torch.no_grad()
def test_a_program_for_one_size_gives_the_same_outputs(network, arch):
    model = deployed(network, arch)
    images = torch.randn(2, 3, 75, 131)
    assert_close(export_program(model, images).module()(images), model(images))


@pytest.mark.slow
@needs_exporter
@pytest.mark.parametrize('network, arch', NARROW.values(), ids=NARROW)
@torch.no_grad()
def test_a_program_for_any_size_gives_the_same_outputs(network, arch):
    model = deployed(network, arch)
    program = export_program(model, torch.randn(1, 3, 64, 64), dynamic=True).module(
        check_guards=False
    )
    for batch, *size in SIZES:
        images = torch.randn(batch, 3, *size)
        assert_close(program(images), model(images))


@pytest.mark.slow
@needs_exporter
@pytest.mark.parametrize('dynamic', [False, True])
@pytest.mark.parametrize('network, arch', NARROW.values(), ids=NARROW)
def test_onnx_files_give_the_same_outputs(network, arch, dynamic, tmp_path):
    onnxruntime = pytest.importorskip('onnxruntime')
    model = fuse_for_inference(deployed(network, arch))
    path = tmp_path / 'model.onnx'
    export_onnx(
        model, path, torch.randn(1, 3, 64, 96), dynamic=dynamic, metadata=dict(mean=[1.0, 2.0])
    )
    session = onnxruntime.InferenceSession(path)
    assert session.get_modelmeta().custom_metadata_map['mean'] == '[1.0, 2.0]'
    for batch, *size in [*SIZES, (1, 33, 18)] if dynamic else SIZES[:1]:
        images = torch.randn(batch, 3, *size)
        outputs = session.run(model.output_names, dict(images=images.numpy()))
        assert_close(map(torch.from_numpy, outputs), model(images))


@pytest.mark.slow
@needs_exporter
def test_a_file_that_differs_is_not_written(tmp_path, monkeypatch):
    onnxruntime = pytest.importorskip('onnxruntime')
    path = tmp_path / 'model.onnx'
    path.write_text('older')
    run = onnxruntime.InferenceSession.run

    def wrong(*args):
        outputs = run(*args)
        outputs[0][0, 0] += 0.01 * abs(outputs[0]).max()
        return outputs

    monkeypatch.setattr(onnxruntime.InferenceSession, 'run', wrong)
    with pytest.raises(InputError, match='differ by 1.0e-02 of the largest, more than 1e-04'):
        export_onnx(deployed(*NARROW['vitae_patch']), path, torch.randn(1, 3, 32, 32))
    assert [file.read_text() for file in tmp_path.iterdir()] == ['older']


def test_differences_are_relative_to_the_largest_value():
    expected = np.array([1.0, -4.0, 2.0])
    assert relative_difference(expected, expected) == 0
    assert relative_difference(expected + np.array([0, 0, 0.4]), expected) == pytest.approx(0.1)
    assert relative_difference(expected * 0, expected * 0) == 0
    for wrong in (expected[:2], expected[None], expected * np.nan, expected * np.inf):
        assert relative_difference(wrong, expected) == np.inf


def test_large_networks_are_rejected(tmp_path, monkeypatch):
    pytest.importorskip('onnxruntime')
    monkeypatch.setattr('vitae_mm.export.MAX_WEIGHT_BYTES', 2**12)
    with pytest.raises(InputError, match='the weights take .* GiB, and an ONNX file can contain'):
        export_onnx(deployed(*NARROW['ceit']), tmp_path / 'a.onnx', torch.randn(1, 3, 32, 32))


@needs_exporter
def test_shifted_windows_need_one_size():
    model = deployed(*NARROW['vitaev2'], shift_window=True)
    with pytest.raises(InputError, match='shifted windows .* export this network for one size'):
        export_program(model, torch.randn(1, 3, 64, 64), dynamic=True)


def test_an_older_torch_is_refused(monkeypatch):
    monkeypatch.setattr('vitae_mm.compat.TORCH', (2, 5))
    with pytest.raises(InputError, match='exporting a network requires PyTorch 2.6 or later'):
        export_program(deployed(*NARROW['ceit']), torch.randn(1, 3, 32, 32))


def test_classifiers_output_logits():
    classifier = build_model(Config.fromfile(ROOT / 'configs/cls/vitaev2_demo_4e_shapes.py'))
    model = DeployedNetwork(classifier)
    images = torch.randn(2, 3, 64, 64)
    (logits,) = model(images)
    assert model.output_names == ['logits']
    assert torch.equal(logits, classifier.head(classifier.extract_feat(images)))


@pytest.mark.parametrize(
    'model, words',
    [
        (
            Model(MaskedViTAE(NARROW['vitae_patch'][1])),
            'config and checkpoint of a finetuned model',
        ),
        (Model(nn.Identity()), 'Model with Identity: only ViTAE, ViTAEv2 and CeiT'),
    ],
)
def test_unsupported_models_are_rejected(model, words):
    with pytest.raises(InputError, match=words):
        DeployedNetwork(model)


def test_the_normalization_is_described():
    inside = dict(mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0], bgr_to_rgb=True)
    outside = dict(mean=[7.0, 8.0, 9.0], std=[4.0, 5.0, 6.0], rgb_to_bgr=True)
    described = describe(
        Config(dict(model=dict(data_preprocessor=inside), data_preprocessor=outside)), ('a', 'b')
    )
    assert described == dict(
        mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0], channels='RGB', classes=('a', 'b')
    )
    assert describe(Config(dict(model={}, data_preprocessor=outside)), None) == dict(
        mean=[7.0, 8.0, 9.0], std=[4.0, 5.0, 6.0], channels='BGR'
    )
    assert describe(Config(dict(model={})), None) == {}


@pytest.mark.parametrize(
    'name',
    ['cls/ceit_t_100e_cifar10.py', 'cls/ceit_t_300e_in1k.py', 'det/mask_rcnn_vitaev2_s_3x.py'],
)
def test_our_configs_have_the_channel_order_rgb(name):
    assert describe(load_config(ROOT / 'configs' / name), None)['channels'] == 'RGB'
