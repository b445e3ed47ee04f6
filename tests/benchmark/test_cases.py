"""The steps that are measured, for every kind of network."""

import pytest
import torch

from vitae_mm.benchmark.cases import build_case
from vitae_mm.benchmark.networks import Network, load_network
from vitae_mm.errors import InputError

from ..helpers import training
from ..helpers.commands import ROOT


@pytest.fixture(params=['classifier', 'autoencoder', 'detector'])
def network(request, tmp_path):
    if request.param == 'autoencoder':
        path = ROOT / 'configs/ssl/mae_vitae_demo_20e_shapes.py'
    elif request.param == 'detector':
        path = training.write_detector(tmp_path / 'd.py', tmp_path)
    else:
        path = training.write_classifier(tmp_path / 'c.py', tmp_path)
    return load_network(str(path))


@pytest.fixture
def images():
    return torch.rand(2, 3, 64, 64)


@pytest.mark.parametrize('mode', ['forward', 'train'])
def test_every_kind_of_model_takes_a_step(network, mode, images, monkeypatch):
    backward = []
    monkeypatch.setattr(torch.Tensor, 'backward', lambda loss, *args: backward.append(loss))
    case = build_case(network, images, form='eager', mode=mode)
    case.step()
    assert len(backward) == (mode == 'train')
    assert all(loss.requires_grad and loss.ndim == 0 for loss in backward)


def test_steps_leave_no_gradients(network, images):
    build_case(network, images, form='eager', mode='train').step()
    assert all(parameter.grad is None for parameter in network.model.parameters())


def test_half_precision_uses_autocast(network, images, monkeypatch):
    case = build_case(network, images, form='eager', mode='forward', dtype='bfloat16')
    kinds = []
    linear = torch.nn.functional.linear
    monkeypatch.setattr(
        torch.nn.functional,
        'linear',
        lambda x, *rest: (
            kinds.append(
                torch.get_autocast_cpu_dtype() if torch.is_autocast_cpu_enabled() else x.dtype
            )
            or linear(x, *rest)
        ),
    )
    case.step()
    assert set(kinds) == {torch.bfloat16}


def test_multiply_adds_scale_with_images_and_mode(tmp_path, images):
    config = str(training.write_classifier(tmp_path / 'c.py', tmp_path))

    def macs(images, mode):
        return build_case(load_network(config), images, form='eager', mode=mode).macs

    one = macs(images[:1], 'forward')
    assert one > 1e5
    assert macs(images, 'forward') == 2 * one
    assert macs(images, 'train') == 6 * one


@pytest.mark.parametrize('form', ['fused', 'fused+compiled'])
def test_fused_networks_are_not_trained(form, network, images):
    with pytest.raises(InputError, match='for inference'):
        build_case(network, images, form=form, mode='train')


def test_networks_of_installed_codebases_are_loaded(images):
    network = load_network('mmpretrain::resnet/resnet18_8xb16_cifar10.py', 'R18')
    assert network.name == 'R18' and network.model(images).shape == (2, 10)


def test_networks_of_timm_are_loaded(images):
    pytest.importorskip('timm')
    network = load_network('timm:resnet18')
    assert network.name == 'resnet18' and network.model(images).shape == (2, 1000)
    assert network.loss(images).requires_grad


@pytest.mark.parametrize(
    'spec, message',
    [
        ('configs/cls/none.py', 'does not exist'),
        ('mmpretrain::none/none.py', 'mmpretrain::none/none.py is not installed'),
        ('nopackage::a.py', 'nopackage::a.py is not installed'),
    ],
)
def test_unknown_networks_are_rejected(spec, message):
    with pytest.raises(InputError, match=message):
        load_network(spec)


def test_unknown_models_of_timm_are_rejected():
    pytest.importorskip('timm')
    with pytest.raises(InputError, match='no such model; choose, for example, from .*resnet18'):
        load_network('timm:resnet_18')


def test_a_network_that_cannot_be_counted_is_timed(images):
    class Counting(torch.nn.Module):
        def forward(self, images):
            return images[: int(images.sum() > 0)]  # depends on values

    model = Counting()
    network = Network('n', model, core=model, loss=model)
    case = build_case(network, images, form='eager', mode='forward')
    assert case.macs is None
    case.step()


def test_a_step_that_fails_leaves_no_gradients(images):
    def backward_fails(loss):
        raise MemoryError

    weight = torch.nn.Linear(64, 1)
    network = Network('n', weight, core=weight, loss=lambda x: weight(x).sum(), predict=weight)
    case = build_case(network, images, form='eager', mode='train')
    weight.weight.grad = torch.zeros(1, 64)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(torch.Tensor, 'backward', backward_fails)
        case.step()
    assert weight.weight.grad is None
