from functools import partial

import numpy as np
import pytest
import torch
from mmengine.config import Config

from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError

from ..helpers import training

onnxruntime = pytest.importorskip('onnxruntime')


@pytest.fixture
def export(run_tool):
    return partial(run_tool, 'tools/export_onnx.py')


@pytest.fixture
def model(tmp_path):
    """Writes a config and a checkpoint; returns them and the model."""

    def make(write, classes=True):
        cfg = Config.fromfile(write(tmp_path / 'c.py', training.make_data(tmp_path)))
        built = build_model(cfg)
        meta = dict(dataset_meta=dict(classes=('x', 'y'))) if classes else {}
        torch.save(dict(state_dict=built.state_dict(), meta=meta), tmp_path / 'c.pth')
        return tmp_path / 'c.py', tmp_path / 'c.pth', built

    return make


@pytest.mark.slow
@torch.no_grad()
def test_a_classifier_is_exported(export, model, tmp_path):
    config, checkpoint, built = model(training.write_classifier)
    out = tmp_path / 'model.onnx'
    printed = export(config, checkpoint, out, '--fuse', '--batch', 2)
    assert 'images (2, 3, 32, 32) -> logits' in printed
    session = onnxruntime.InferenceSession(out)
    assert session.get_modelmeta().custom_metadata_map == dict(
        mean='[127.0, 127.0, 127.0]',
        std='[64.0, 64.0, 64.0]',
        channels='"BGR"',
        classes='["x", "y"]',
    )
    images = torch.randn(2, 3, 32, 32)
    (logits,) = session.run(None, dict(images=images.numpy()))
    np.testing.assert_allclose(logits, built(images, mode='tensor'), atol=1e-4)
    written = out.read_bytes()
    with pytest.raises(InputError, match='exists: choose another name or give --overwrite'):
        export(config, checkpoint, out)
    assert out.read_bytes() == written
    export(config, checkpoint, out, '--overwrite')
    assert out.read_bytes() != written


def test_the_output_must_not_be_a_folder(export, tmp_path):
    with pytest.raises(InputError, match='is a folder: give the name of a file'):
        export('none.py', 'none.pth', tmp_path, '--overwrite')


@pytest.mark.slow
@torch.no_grad()
def test_the_backbone_of_a_detector_is_exported_for_any_size(export, model, tmp_path):
    config, checkpoint, built = model(training.write_detector, classes=False)
    out = tmp_path / 'model.onnx'
    assert 'images (B, 3, H, W) -> map0, map1' in export(config, checkpoint, out, '--dynamic')
    images = torch.randn(1, 3, 50, 70)
    session = onnxruntime.InferenceSession(out)
    # names from the config if the checkpoint has none
    assert session.get_modelmeta().custom_metadata_map['classes'].startswith('["triangle"')
    maps = session.run(None, dict(images=images.numpy()))
    for given, expected in zip(maps, built.backbone(images), strict=True):
        np.testing.assert_allclose(given, expected, atol=1e-4)


@pytest.mark.parametrize(
    'option, words',
    [
        (('--size', 0, 64), '--size 0 64: give 1 or more'),
        (('--batch', 0), '--batch 0: give 1 or more'),
    ],
)
def test_invalid_sizes_are_rejected(export, option, words, tmp_path):
    with pytest.raises(InputError, match=words):
        export('none.py', 'none.pth', tmp_path / 'model.onnx', *option)
