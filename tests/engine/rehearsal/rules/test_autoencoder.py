"""Checks of masked autoencoders whose parts do not fit."""

import pytest
import torch
from mmengine.config import Config

from vitae_mm.engine.models import build_meta_model
from vitae_mm.engine.rehearsal.rules.autoencoder import check_autoencoder
from vitae_mm.errors import InputError

from ....helpers import training
from ....helpers.commands import ROOT


@pytest.fixture
def cfg():
    return Config.fromfile(ROOT / 'configs/cifar10/mae_vitae_32_10e_cifar10.py')


@pytest.mark.parametrize(
    'name',
    [
        'cifar10/mae_vitae_32_10e_cifar10',
        'ssl/mae_vitae_demo_20e_shapes',
        'ssl/mae_vitae_b_1600e_in1k',
        'ssl/mae_vitae_h_1600e_in1k',
    ],
)
def test_our_configs_fit(name):
    check_autoencoder(build_meta_model(Config.fromfile(ROOT / f'configs/{name}.py')))


@pytest.mark.parametrize(
    'option, found, wanted',
    [
        ('neck.num_patches', 49, 64),
        ('neck.embed_dim', 96, 192),
        ('neck.patch_size', 8, 4),
        ('head.patch_size', 16, 4),
    ],
)
def test_parts_for_other_tokens_are_rejected(cfg, option, found, wanted):
    cfg.merge_from_dict({f'model.{option}': found})
    words = rf'model.{option}={found} does not fit.*must be {wanted}\.'
    with pytest.raises(InputError, match=words):
        check_autoencoder(build_meta_model(cfg))


def test_images_of_another_size_are_rejected(cfg):
    cfg.merge_from_dict({'model.backbone.img_size': 48})
    with pytest.raises(InputError, match='num_patches=64 does not fit.*img_size=48.*must be 144'):
        check_autoencoder(build_meta_model(cfg))


def test_other_models_are_not_checked(tmp_path):
    cfg = Config.fromfile(training.write_classifier(tmp_path / 'c.py', tmp_path))
    check_autoencoder(build_meta_model(cfg))


def test_other_decoders_are_not_checked(cfg):
    model = build_meta_model(cfg)
    model.neck = torch.nn.Identity()
    check_autoencoder(model)
