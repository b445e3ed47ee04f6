"""The steps that are measured, for every kind of network."""

import pytest
import torch

from vitae_mm import benchmark
from vitae_mm.benchmark import cases
from vitae_mm.benchmark.cases import Setting, build_case, check_options
from vitae_mm.benchmark.measure import peak_bytes
from vitae_mm.benchmark.networks import Network, Source, check_source, load_network
from vitae_mm.errors import InputError

from ..helpers import training
from ..helpers.commands import ROOT
from ..helpers.stacks import needs_torch

CPU = torch.device('cpu')


def step_of(network, images, form='eager', **setting):
    return build_case(network, images, form=form, setting=Setting(**setting))


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


@pytest.mark.parametrize('mode', ['forward', 'train', 'step'])
def test_every_kind_of_model_takes_a_step(network, mode, images, monkeypatch):
    backward = []
    monkeypatch.setattr(torch.Tensor, 'backward', lambda loss, *args: backward.append(loss))
    step_of(network, images, mode=mode).step()
    assert len(backward) == (mode != 'forward')
    assert all(loss.requires_grad and loss.ndim == 0 for loss in backward)


@pytest.mark.parametrize('mode, changed', [('train', False), ('step', True)])
def test_steps_leave_no_gradients(mode, changed, network, images):
    before = [parameter.clone() for parameter in network.model.parameters()]
    case = step_of(network, images, mode=mode)
    weights = case.held_bytes()
    case.step()
    parameters = list(network.model.parameters())
    assert all(parameter.grad is None for parameter in parameters)
    assert changed == any((a != b).any() for a, b in zip(before, parameters, strict=True))
    trained = sum(parameter.nbytes for parameter in parameters if parameter.requires_grad)
    # AdamW holds two values for each weight, and a few bytes for each tensor
    assert case.held_bytes() - weights == pytest.approx(2 * trained * changed, rel=0.01)


@needs_torch('2.3', 'float16 on a CPU')
def test_the_loss_is_scaled_for_float16_on_a_gpu(images, monkeypatch):
    calls = []

    class Scaler:
        def __init__(self, enabled):
            calls.append(enabled)

        def scale(self, loss):
            calls.append('scale')
            return loss

        def step(self, optimizer):
            calls.append('step')

        def update(self):
            calls.append('update')

    monkeypatch.setattr(cases, 'GradScaler', Scaler)
    linear = torch.nn.Linear(64, 1)
    network = Network('n', linear, core=linear, loss=lambda x: linear(x).mean())
    step_of(network, images, mode='step', dtype='float16').step()
    assert calls == [True, 'scale', 'step', 'update']
    for setting in dict(mode='step', dtype='bfloat16'), dict(mode='train', dtype='float16'):
        calls.clear()
        step_of(network, images, **setting)
        assert calls == [False]


def test_half_precision_uses_autocast(network, images, monkeypatch):
    case = step_of(network, images, dtype='bfloat16')
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
        return step_of(load_network(Source('n', config)), images, mode=mode).macs

    one = macs(images[:1], 'forward')
    assert one > 1e5
    assert macs(images, 'forward') == 2 * one
    assert macs(images, 'train') == macs(images, 'step') == 6 * one


@pytest.mark.parametrize(
    'form, setting, message',
    [
        ('fused', dict(mode='train'), 'form fused is for inference'),
        ('fused+compiled', dict(mode='step'), 'for inference'),
        ('eager', dict(mode='train', dtype='float16'), '--mode train --dtype float16: networks'),
    ],
)
def test_options_that_exclude_each_other_are_rejected(form, setting, message):
    with pytest.raises(InputError, match=message):
        check_options(form, Setting(**setting), CPU)


def test_half_precision_is_trained_on_gpus():
    check_options('eager', Setting(mode='step', dtype='float16'), torch.device('cuda'))


def test_networks_of_installed_codebases_are_loaded(images):
    network = load_network(Source('R18', 'mmpretrain::resnet/resnet18_8xb16_cifar10.py'))
    assert network.name == 'R18' and network.model(images).shape == (2, 10)


def test_networks_of_timm_are_loaded(images):
    pytest.importorskip('timm')
    network = load_network(Source('resnet18', 'timm:resnet18'))
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
        check_source(spec)


def test_unknown_models_of_timm_are_rejected():
    pytest.importorskip('timm')
    with pytest.raises(InputError, match='no such model; choose, for example, from .*resnet18'):
        check_source('timm:resnet_18')


def test_a_network_that_cannot_be_counted_is_timed(images):
    class Counting(torch.nn.Module):
        def forward(self, images):
            return images[: int(images.sum() > 0)]  # depends on values

    model = Counting()
    network = Network('n', model, core=model, loss=model)
    case = step_of(network, images)
    assert case.macs is None
    case.step()


def test_a_step_that_fails_leaves_no_gradients(images):
    def backward_fails(loss):
        raise MemoryError

    weight = torch.nn.Linear(64, 1)
    network = Network('n', weight, core=weight, loss=lambda x: weight(x).sum(), predict=weight)
    case = step_of(network, images, mode='train')
    weight.weight.grad = torch.zeros(1, 64)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(torch.Tensor, 'backward', backward_fails)
        case.step()
    assert weight.weight.grad is None


def test_a_pyramid_follows_the_backbone(tmp_path, images):
    path = training.write_detector(tmp_path / 'd.py', tmp_path)
    network = load_network(Source('n', str(path), pyramid=True))
    assert [maps.shape[1:] for maps in network.model(images)] == [(256, 16, 16), (256, 8, 8)]
    step_of(network, images, mode='step').step()


def test_the_package_exports_what_the_documentation_uses():
    assert benchmark.load_network is load_network and benchmark.peak_bytes is peak_bytes
    assert not hasattr(benchmark, 'none')
