"""Networks are built by name."""

import math
import subprocess
import sys

import mmpretrain
import numpy as np
import pytest
import timm
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS, TRANSFORMS
from PIL import Image

import vitae_mm
from vitae_mm.checkpoints import write_checkpoint
from vitae_mm.errors import InputError
from vitae_mm.factory import PREPROCESSING
from vitae_mm.hub import find_config

from .helpers import golden
from .helpers.archs import PUBLISHED
from .helpers.commands import env

SMALLEST = 'vitae_t'


@pytest.mark.parametrize(
    'name, published',
    [
        ('vitae_t', 'ViTAE_basic_Tiny'),
        ('ceit_t', 'ceit_tiny_patch16_224'),
        pytest.param('vitaev2_s', 'ViTAEv2_S', marks=pytest.mark.slow),
    ],
)
def test_classifiers_give_the_golden_outputs_and_those_of_mmpretrain(tmp_path, name, published):
    """From a published file, and then as safetensors in mmpretrain."""
    torch.save(dict(state_dict_ema=golden.published_weights(published)), tmp_path / 'a.pth')
    model = vitae_mm.build(name, tmp_path / 'a.pth', num_classes=1000)
    images, expected = golden.image(2, 3, 224, 224), golden.outputs(published)
    write_checkpoint(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'a.safetensors')
    theirs = mmpretrain.get_model(f'{name}_300e_in1k', str(tmp_path / 'a.safetensors'))
    features = vitae_mm.build(name, tmp_path / 'a.safetensors', num_classes=0)
    with torch.no_grad():
        logits = model(images)
        golden.assert_agree(logits, expected['logits'])
        golden.assert_agree(features(images), expected['features'])
        assert torch.equal(theirs(images), logits)


def test_feature_extractors_give_the_golden_maps(tmp_path):
    torch.save(golden.published_weights('ViTAEv2_S_dense'), tmp_path / 'a.pth')
    model = vitae_mm.build('vitaev2_s', tmp_path / 'a.pth', out_indices=(1, 3))
    expected = golden.outputs('ViTAEv2_S_dense')
    with torch.no_grad():
        maps = model(golden.image(1, 3, 160, 256))
    assert len(maps) == 2
    for i, m in zip((1, 3), maps, strict=True):
        golden.assert_agree(m[0, :8, :6, :6], expected[f'160x256_s{i}_corner'])


def test_every_published_network_has_a_name():
    parts = [
        Config.fromfile(find_config(f'vitae_mm::_base_/backbones/{name}.py')).backbone
        for name in vitae_mm.list_models()
    ]
    named = [(part.type, part.arch) for part in parts if isinstance(part.arch, str)]
    assert sorted(named) == sorted((f'vitae_mm.{net.__name__}', arch) for net, arch, _ in PUBLISHED)
    assert set(vitae_mm.list_models('vitaev2*')) >= {'vitaev2_s', 'vitaev2_48m', 'vitaev2_b'}
    assert not vitae_mm.list_models('swin*')


def test_models_are_in_eval_mode_with_the_options_of_the_config_and_the_caller():
    model = vitae_mm.build('vitaev2_demo', in_channels=1, frozen_stages=1)
    assert not model.training and model.out_indices == (0, 1, 2, 3)
    assert not model.stages[0].reduction.prm.branches[0].weight.requires_grad
    assert model.pretrained_cfg['input_size'] == (1, 224, 224)
    assert 0.01 < model.stages[1].cells[0].ffn.fc1.weight.std() < 0.03


def refusal(*args, **options):
    with pytest.raises(InputError) as error:
        vitae_mm.build(*args, **options)
    return str(error.value)


def test_near_names_are_listed():
    assert 'choose from vitaev2_s, vitaev2_b' in refusal('vitaev2_x')
    assert 'choose from ceit_b, ceit_s' in refusal('resnet50')


def test_options_that_do_not_fit_are_refused():
    assert 'returns no maps' in refusal(SMALLEST, out_indices=(1,), num_classes=3)
    assert '0 or more' in refusal(SMALLEST, num_classes=-1)
    assert 'out_indices=(7,)' in refusal(SMALLEST, out_indices=(7,))


def test_a_classifier_is_replaced_only_on_request(tmp_path):
    path = tmp_path / 'a.pth'
    trained = vitae_mm.build('ceit_t', num_classes=4)
    torch.save(dict(state_dict=trained.state_dict()), path)
    words = 'a classifier of 4 classes: give new_head=True .* of 5 classes, or num_classes=4'
    with pytest.raises(InputError, match=words):
        vitae_mm.build('ceit_t', path, num_classes=5)
    model = vitae_mm.build('ceit_t', path, num_classes=5, new_head=True, img_size=96)
    assert model(torch.rand(1, 3, 96, 96)).shape == (1, 5)
    ours, theirs = model.backbone.state_dict(), trained.backbone.state_dict()
    assert all(
        torch.equal(ours[key], value) for key, value in theirs.items() if 'position' not in key
    )
    torch.save(trained.backbone.state_dict(), path)
    assert 'has no classifier' in refusal('ceit_t', path, num_classes=5)


def test_checkpoints_of_other_networks_are_refused(tmp_path):
    path = tmp_path / 'a.pth'
    torch.save(vitae_mm.build('ceit_t').state_dict(), path)
    assert "It contains CeiT 'tiny'; expected ViTAE 'tiny'." in refusal(SMALLEST, path)
    torch.save(timm.create_model('resnet10t').state_dict(), path)
    assert f'checkpoint {path}: the checkpoint matches no published layout' in refusal(
        SMALLEST, path
    )


@pytest.mark.parametrize('name, size', [('vitaev2_s_300e', 224), ('vitaev2_b_384_30e', 384)])
def test_the_preprocessing_is_that_of_the_configs(tmp_path, name, size):
    """And timm's transforms, which read it, give the same inputs as the config."""
    cfg = Config.fromfile(f'vitae_mm::cls/{name}_in1k.py')
    mean, std = (np.divide(cfg.data_preprocessor[key], 255) for key in ('mean', 'std'))
    assert np.allclose(mean, PREPROCESSING['mean']) and np.allclose(std, PREPROCESSING['std'])
    resize = cfg.test_pipeline[1]
    assert resize.scale == math.floor(size / PREPROCESSING['crop_pct'])
    image = np.random.RandomState(0).randint(0, 255, (500, 640, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / 'a.png')
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        steps = Compose([TRANSFORMS.build(step) for step in cfg.test_pipeline])
        prepare = MODELS.build(dict(cfg.data_preprocessor, type='ClsDataPreprocessor'))
    expected = prepare(pseudo_collate([steps(dict(img_path=str(tmp_path / 'a.png')))]))['inputs'][0]
    model = vitae_mm.build(SMALLEST, img_size=size)
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    assert torch.allclose(transform(Image.fromarray(image)), expected, atol=1e-4)


def test_no_codebase_is_needed():
    code = (
        'import sys\n'
        "for name in ('mmpretrain', 'mmdet', 'mmseg', 'mmpose', 'timm'): sys.modules[name] = None\n"
        'import vitae_mm\n'
        'vitae_mm.list_models()\n'
        "print('torch' in sys.modules, vitae_mm.build('vitae_t', num_classes=3).head)"
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True, env=env()
    )
    assert done.stdout.startswith('False') and 'out_features=3' in done.stdout
    assert len(done.stdout.splitlines()) < 5, 'mmengine logs every weight'
