"""Exported networks give the outputs of the networks, for one size and for any."""
import copy

import pytest
import torch
from helpers.archs import NARROW
from mmengine.config import Config
from torch import nn

from vitae_mm.backbones import ViTAEv2
from vitae_mm.engine.complexity import build_model
from vitae_mm.engine.export import Deployed, describe, export_onnx, export_program
from vitae_mm.engine.inference import fuse_for_inference
from vitae_mm.errors import InputError
from vitae_mm.selfsup import MaskedViTAE

# a single image, odd sides, divisible by everything, less than a window on every map
SIZES = [(1, 64, 96), (3, 75, 131), (2, 224, 224), (1, 33, 48)]


class Model(nn.Module):
    """As detectors are: with a backbone."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone


def deployed(network, arch, **options):
    torch.manual_seed(0)
    if network is ViTAEv2:
        options['out_indices'] = (0, 1, 2, 3)
    return Deployed(Model(network(arch, **options))).eval()


def assert_close(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert (a - b).abs().max() <= 1e-4 * b.abs().max()


@pytest.mark.parametrize('network, arch', NARROW.values(), ids=NARROW)
@torch.no_grad()
def test_a_program_of_one_size(network, arch):
    model = deployed(network, arch)
    images = torch.randn(2, 3, 75, 131)
    assert_close(export_program(model, images).module()(images), model(images))


@pytest.mark.slow
@pytest.mark.parametrize('network, arch', NARROW.values(), ids=NARROW)
@torch.no_grad()
def test_a_program_of_any_size(network, arch):
    model = deployed(network, arch)
    program = export_program(model, torch.randn(1, 3, 64, 64), dynamic=True).module(check_guards=False)
    for batch, *size in SIZES:
        images = torch.randn(batch, 3, *size)
        assert_close(program(images), model(images))


@pytest.mark.slow
@pytest.mark.parametrize('dynamic', [False, True])
@pytest.mark.parametrize('network, arch', NARROW.values(), ids=NARROW)
def test_onnx_files(network, arch, dynamic, tmp_path):
    onnxruntime = pytest.importorskip('onnxruntime')
    model = fuse_for_inference(deployed(network, arch))
    path = tmp_path / 'model.onnx'
    assert export_onnx(model, path, torch.randn(1, 3, 64, 96), dynamic, dict(mean=[1., 2.])) < 1e-4
    session = onnxruntime.InferenceSession(path)
    assert session.get_modelmeta().custom_metadata_map['mean'] == '[1.0, 2.0]'
    for batch, *size in [*SIZES, (1, 33, 18)] if dynamic else SIZES[:1]:
        images = torch.randn(batch, 3, *size)
        outputs = session.run(model.output_names, dict(images=images.numpy()))
        assert_close(map(torch.from_numpy, outputs), model(images))


@pytest.mark.slow
def test_a_file_that_differs_is_not_written(tmp_path):
    pytest.importorskip('onnxruntime')
    with pytest.raises(InputError, match=r'differ by .* more than -1e\+00: the file is not'):
        export_onnx(deployed(*NARROW['vitae_patch']), tmp_path / 'model.onnx',
                    torch.randn(1, 3, 32, 32), tolerance=-1)
    assert not list(tmp_path.iterdir())


def test_classifiers_give_logits(classifier):
    model = Deployed(classifier)
    images = torch.randn(2, 3, 64, 64)
    (logits, ) = model(images)
    assert model.output_names == ['logits']
    assert torch.equal(logits, classifier.head(classifier.extract_feat(images)))


@pytest.fixture
def classifier():
    cfg = Config.fromfile('configs/cls/vitaev2_demo_8e_shapes.py')
    return build_model(cfg)


@pytest.mark.parametrize('model, words', [
    (Model(MaskedViTAE(NARROW['vitae_patch'][1])), 'config and checkpoint of a finetuning'),
    (Model(nn.Identity()), 'Model with Identity: only ViTAE, ViTAEv2 and CeiT'),
])
def test_what_cannot_be_exported_is_refused(model, words):
    with pytest.raises(InputError, match=words):
        Deployed(model)


@pytest.mark.parametrize('place', ['beside', 'inside'])
def test_the_normalisation_is_described(place):
    options = dict(mean=[1., 2., 3.], std=[4., 5., 6.], bgr_to_rgb=True)
    cfg = Config(dict(model=dict(data_preprocessor=options)) if place == 'inside' else
                 dict(model={}, data_preprocessor=options))
    assert describe(copy.deepcopy(cfg), ('a', 'b')) == dict(
        mean=[1., 2., 3.], std=[4., 5., 6.], channels='RGB', classes=('a', 'b'))
