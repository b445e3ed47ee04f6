"""Checks of heads, masked autoencoders and the weights that a training starts from."""

import pytest
import torch
from mmdet.models import ResNet
from mmengine.config import Config

from vitae_mm.backbones import ViTAE, ViTAEv2
from vitae_mm.engine.models import build_meta_model
from vitae_mm.engine.rehearsal.rules import check_autoencoder, check_start_weights
from vitae_mm.errors import InputError

from ....helpers import training
from ....helpers.archs import PATCH, PYRAMID, TWO_STAGES
from ....helpers.commands import ROOT


@pytest.fixture
def pretraining():
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
def test_parts_for_other_tokens_are_rejected(pretraining, option, found, wanted):
    pretraining.merge_from_dict({f'model.{option}': found})
    words = rf'model.{option}={found} does not fit.*must be {wanted}\.'
    with pytest.raises(InputError, match=words):
        check_autoencoder(build_meta_model(pretraining))


def test_images_of_another_size_are_rejected(pretraining):
    pretraining.merge_from_dict({'model.backbone.img_size': 48})
    with pytest.raises(InputError, match='num_patches=64 does not fit.*img_size=48.*must be 144'):
        check_autoencoder(build_meta_model(pretraining))


def test_other_models_are_not_checked(tmp_path):
    pretraining = Config.fromfile(training.write_classifier(tmp_path / 'c.py', tmp_path))
    check_autoencoder(build_meta_model(pretraining))


def test_other_decoders_are_not_checked(pretraining):
    model = build_meta_model(pretraining)
    model.neck = torch.nn.Identity()
    check_autoencoder(model)


def check(cfg):
    return check_start_weights(cfg, build_meta_model(cfg))


def complaint(cfg):
    with pytest.raises(InputError) as error:
        check(cfg)
    return str(error.value)


def whole(cfg, classes=3):
    """Weights of the model, with a head for this number of classes."""
    cfg = Config(cfg.to_dict())
    cfg.model.head.num_classes = classes
    return {
        key: torch.zeros(value.shape) for key, value in build_meta_model(cfg).state_dict().items()
    }


def pretrained(cfg, path, state, **options):
    torch.save(state, path)
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(path), **options)


def test_random_weights_are_not_reported(cfg):
    assert check(cfg) == []


def test_matched_keys_of_pretrained_weights_are_counted(cfg, tmp_path):
    state = ViTAEv2(TWO_STAGES).state_dict()
    pretrained(cfg, tmp_path / 'a.pth', state)
    assert check(cfg) == [
        f'{tmp_path / "a.pth"}: {len(state)} of {len(state)} keys of ViTAEv2 matched'
    ]


def test_pretrained_weights_of_another_network_are_rejected(cfg, tmp_path):
    pretrained(cfg, tmp_path / 'a.pth', ViTAE(PYRAMID).state_dict())
    assert 'a.pth does not fit ViTAEv2: ' in complaint(cfg)
    (tmp_path / 'a.pth').unlink()
    assert 'a.pth does not exist' in complaint(cfg)


def test_position_embeddings_may_have_another_size(cfg, tmp_path):
    cfg.model.backbone = dict(type='vitae_mm.ViTAE', arch=PATCH, img_size=96)
    pretrained(cfg, tmp_path / 'a.pth', ViTAE(PATCH, img_size=64).state_dict())
    assert 'keys of ViTAE matched' in check(cfg)[0]


def test_urls_are_checked_when_training_starts(cfg):
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint='https://none/a.pth')
    cfg.load_from = 'https://none/b.pth'
    assert check(cfg) == [
        'https://none/a.pth: read when training starts',
        'https://none/b.pth: read when training starts',
    ]


def test_networks_of_the_codebases_load_matching_keys(cfg, tmp_path):
    cfg.model.backbone = dict(type='mmdet.ResNet', depth=18)
    state = {**ResNet(18).state_dict(), 'fc.weight': torch.zeros(1)}
    count = len(state) - 1
    del state['conv1.weight']
    pretrained(cfg, tmp_path / 'a.pth', state)
    assert check(cfg) == [f'{tmp_path / "a.pth"}: {count - 1} of {count} keys of ResNet matched']
    pretrained(cfg, tmp_path / 'a.pth', {'module.stages.0.weight': torch.zeros(1)})
    assert f'does not fit ResNet: 0 of {count} keys matched; it has stages.0.weight' in complaint(
        cfg
    )
    pretrained(
        cfg,
        tmp_path / 'a.pth',
        {f'net.{key}': value for key, value in state.items()},
        prefix='net.',
    )
    assert f'{count - 1} of {count} keys' in check(cfg)[0]


def test_networks_that_convert_weights_are_not_checked(cfg, tmp_path):
    cfg.model.backbone = dict(type='mmdet.SwinTransformer', convert_weights=True)
    pretrained(cfg, tmp_path / 'a.pth', {'layers.0.weight': torch.zeros(1)})
    assert check(cfg) == [f'{tmp_path / "a.pth"}: SwinTransformer selects what it can use']


def test_starting_weights_must_match_the_backbone(cfg, tmp_path):
    state = whole(cfg, classes=7)
    cfg.load_from = str(tmp_path / 'a.pth')
    torch.save(dict(state_dict=state), cfg.load_from)
    (line,) = check(cfg)
    assert line == (
        f'checkpoint {tmp_path / "a.pth"}: {len(state) - 2} of {len(state)} keys matched; the '
        'other 2 keep their initial values, such as head.fc.weight, head.fc.bias.'
    )
    del state['backbone.stages.0.reduction.norm1.weight']
    torch.save(dict(state_dict=state), cfg.load_from)
    assert 'does not fit ViTAEv2' in complaint(cfg) and '1 missing' in complaint(cfg)


def test_resuming_needs_all_keys(cfg, tmp_path):
    cfg.load_from, cfg.resume = str(tmp_path / 'epoch_1.pth'), True
    rest = dict(optimizer={}, message_hub={'log': []}, meta=dict(epoch=1, iter=16))
    torch.save(dict(rest, state_dict=whole(cfg)), cfg.load_from)
    assert 'keys matched.' in check(cfg)[0]
    torch.save(dict(rest, state_dict=whole(cfg, classes=7)), cfg.load_from)
    assert 'does not fit ImageClassifier' in complaint(cfg)
    torch.save(dict(state_dict=whole(cfg)), cfg.load_from)
    assert 'cannot be resumed, as it lacks the state of the optimizer' in complaint(cfg)
