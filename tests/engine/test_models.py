import pytest
import torch

from vitae_mm.engine.models import build_meta_model, build_model, load_model, meta_copy
from vitae_mm.errors import InputError

from ..helpers.archs import NARROW


@pytest.mark.parametrize('name', NARROW)
def test_a_meta_copy_has_all_entries(name):
    network, arch = NARROW[name]
    model = network(arch, frozen_stages=1)
    copy = meta_copy(model)
    for key, value in model.state_dict().items():
        assert copy.state_dict()[key].shape == value.shape
        assert copy.state_dict()[key].is_meta and not value.is_meta
    assert [p.requires_grad for p in copy.parameters()] == [
        p.requires_grad for p in model.parameters()
    ]


def test_meta_models_take_no_memory(cfg):
    assert all(value.is_meta for value in build_meta_model(cfg).state_dict().values())


def test_networks_that_read_values_are_built_with_memory(cfg):
    cfg.model.backbone = dict(
        type='mmdet.SwinTransformer',
        embed_dims=12,
        depths=[2, 2],
        num_heads=[1, 2],
        strides=(4, 2),
        out_indices=(0, 1),
    )
    assert not any(value.is_meta for value in build_meta_model(cfg).state_dict().values())


def test_a_loaded_model_has_its_config_and_class_names(cfg, tmp_path):
    path = str(tmp_path / 'a.pth')
    meta = dict(dataset_meta=dict(CLASSES=('a', 'b', 'c')))
    torch.save(dict(state_dict=build_model(cfg).state_dict(), meta=meta), path)
    model = load_model(cfg, path, 'cpu')
    assert model.cfg is cfg and model.dataset_meta == dict(classes=('a', 'b', 'c'))
    assert not model.training
    cfg.model.head.num_classes = 4
    with pytest.raises(InputError, match=r'a\.pth does not fit'):
        load_model(cfg, path, 'cpu')


def test_weights_that_are_not_finite_are_refused(cfg, tmp_path):
    state = build_model(cfg).state_dict()
    key = next(iter(state))
    state[key].fill_(float('nan'))
    torch.save(dict(state_dict=state), tmp_path / 'a.pth')
    with pytest.raises(InputError, match=rf'a\.pth: 1 of .* not finite, such as {key}; its train'):
        load_model(cfg, str(tmp_path / 'a.pth'), 'cpu')
