from functools import partial

import pytest
import torch
from torch import nn

from vitae_mm.engine.optim import MixedPrecisionOptimWrapper, mixed_precision
from vitae_mm.engine.optim.mixed_precision import choose_dtype
from vitae_mm.errors import InputError

from ...helpers.stacks import needs_torch


def make(model, **options):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return MixedPrecisionOptimWrapper(optimizer=optimizer, **options)


@pytest.fixture
def float16(monkeypatch):
    """Makes the wrapper use float16, with loss scaling, on the CPU."""
    monkeypatch.setattr(mixed_precision, 'choose_dtype', lambda dtype, device: 'float16')
    monkeypatch.setattr(mixed_precision, 'GradScaler', partial(torch.amp.GradScaler, device='cpu'))


@pytest.mark.parametrize('dtype', ['auto', 'bfloat16'])
def test_the_step_runs_in_bfloat16_without_scaling(dtype):
    model = nn.Linear(2, 2)
    wrapper = make(model, dtype=dtype)
    x = torch.rand(3, 2)
    with wrapper.optim_context(model):
        out = model(x)
    assert out.dtype == torch.bfloat16
    before = model.weight.detach().clone()
    wrapper.update_params(out.float().sum())
    assert model.weight.dtype == torch.float32
    # the gradient of each row is the sum over the inputs
    assert torch.allclose(before - model.weight, 0.1 * x.sum(0).expand(2, 2), rtol=0.02)
    assert not wrapper.loss_scaler.is_enabled()


@needs_torch('2.3', 'float16 on a CPU')
@pytest.mark.parametrize(
    'loss_scale, expected',
    [('dynamic', 65536), (512.0, 512), (512, 512), (dict(init_scale=8.0), 8)],
)
def test_float16_scales_the_loss(loss_scale, expected, float16):
    model = nn.Linear(2, 2)
    wrapper = make(model, loss_scale=loss_scale)
    with wrapper.optim_context(model):
        out = model(torch.rand(3, 2))
    assert out.dtype == torch.float16
    assert wrapper.loss_scaler.get_scale() == expected
    wrapper.update_params(out.float().sum() / 64)  # the scaled gradients fit float16
    assert wrapper.state_dict()['loss_scaler']['scale'] == expected


@needs_torch('2.3', 'float16 on a CPU')
def test_float16_skips_steps_that_overflow(float16):
    model = nn.Linear(2, 2)
    wrapper, before = make(model), model.weight.detach().clone()
    wrapper.update_params(model(torch.full((1, 2), float('inf'))).sum())
    assert torch.equal(model.weight, before) and wrapper.loss_scaler.get_scale() == 32768


@needs_torch('2.3', 'float16 on a CPU')
def test_states_load_across_dtypes(float16, monkeypatch):
    half = make(nn.Linear(2, 2), loss_scale=512.0)
    monkeypatch.undo()
    full = make(nn.Linear(2, 2))
    full.load_state_dict(half.state_dict())
    half.load_state_dict(full.state_dict())
    assert half.loss_scaler.get_scale() == 512


def test_dtypes_are_chosen_by_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda: 'Tesla T4')
    monkeypatch.setattr(torch.version, 'hip', None)
    for capability, dtype in {(7, 5): 'float16', (8, 0): 'bfloat16', (9, 0): 'bfloat16'}.items():
        monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda value=capability: value)
        assert choose_dtype('auto', 'cuda') == dtype
        assert choose_dtype('float16', 'cuda') == 'float16'
    assert choose_dtype('bfloat16', 'cuda') == choose_dtype('auto', 'cpu') == 'bfloat16'


def test_a_gpu_without_bfloat16_says_so(monkeypatch):
    said = []
    monkeypatch.setattr(mixed_precision, 'print_log', lambda text, **_: said.append(text))
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda: 'Tesla T4')
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda: (7, 5))
    choose_dtype('auto', 'cuda')
    assert said == ['Tesla T4 does not compute in bfloat16: training in float16 with loss scaling.']
    with pytest.raises(InputError, match='Tesla T4 does not compute in bfloat16: use --amp float1'):
        choose_dtype('bfloat16', 'cuda')


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(dtype='float16'), 'float16 is for GPUs'),
        (dict(dtype='half'), "dtype='half': choose from"),
        (dict(loss_scale='static'), "loss_scale='static': give 'dynamic', a number"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        make(nn.Linear(2, 2), **options)
