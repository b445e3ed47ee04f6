"""What is timed, what is counted, and what a step computes."""
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from helpers import training
from helpers.commands import ROOT
from vitae_mm.engine.benchmark import Case, Timing, build_case, measure, peak_bytes
from vitae_mm.errors import InputError

CPU = torch.device('cpu')


def test_steps_alternate_after_the_warm_up():
    calls = []
    cases = [Case(name, lambda name=name: calls.append(name)) for name in 'ab']
    timings = measure(cases, rounds=3, warm_up=2, device=CPU)
    assert calls == ['a', 'b'] * 5
    assert {name: len(timing.seconds) for name, timing in timings.items()} == dict(a=3, b=3)


def test_names_are_told_apart():
    with pytest.raises(InputError, match='same name'):
        measure([Case('a', int), Case('a', int)], 2, 0, CPU)


def test_ratios_are_of_rounds():
    fast, slow = Timing((1., 1., 9., 1.)), Timing((2., 2., 18., 3.))
    assert slow.ratio_to(fast) == 2 and fast.median == 1
    assert Timing((4., 5., 6.)).spread == pytest.approx(2 / 5)


def test_peak_memory_is_what_is_held_at_once():
    def step():
        first = torch.zeros(1_000_000)
        second = first + 1
        del first
        third = second + 1
        del second, third

    assert peak_bytes(step, CPU) == pytest.approx(8_000_000, rel=.01)


@pytest.fixture(params=['classifier', 'autoencoder', 'detector'])
def cfg(request, tmp_path):
    if request.param == 'autoencoder':
        cfg = Config.fromfile(ROOT / 'configs/ssl/mae_vitae_demo_20e_shapes.py')
    elif request.param == 'detector':
        cfg = Config.fromfile(training.write_detector(tmp_path / 'd.py', tmp_path))
    else:
        cfg = Config.fromfile(training.write_config(tmp_path / 'c.py', tmp_path))
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        yield cfg


@pytest.mark.parametrize('mode', ['forward', 'train'])
def test_steps_of_every_kind_of_model(cfg, mode, monkeypatch):
    backward = []
    monkeypatch.setattr(torch.Tensor, 'backward', lambda loss: backward.append(loss))
    case = build_case('a', cfg, mode, torch.rand(2, 3, 64, 64))
    case.step()
    assert len(backward) == (mode == 'train')
    assert all(loss.requires_grad and loss.ndim == 0 for loss in backward)


def test_half_precision_is_that_of_autocast(cfg, monkeypatch):
    kinds = []
    linear = torch.nn.functional.linear
    monkeypatch.setattr(torch.nn.functional, 'linear', lambda x, *rest: kinds.append(
        torch.get_autocast_dtype('cpu') if torch.is_autocast_enabled('cpu') else x.dtype) or linear(
            x, *rest))
    build_case('a', cfg, 'forward', torch.rand(2, 3, 64, 64), 'bfloat16').step()
    assert set(kinds) == {torch.bfloat16}
