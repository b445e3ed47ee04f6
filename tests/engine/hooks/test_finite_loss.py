from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import AmpOptimWrapper
from torch import nn

from vitae_mm.engine.hooks import FiniteLossHook
from vitae_mm.engine.hooks.finite_loss import MAX_SKIPPED
from vitae_mm.errors import InputError

from ...helpers import training
from ...helpers.broken_losses import WEIGHTS

NAN = float('nan')


class ScaledOptimWrapper(AmpOptimWrapper):
    """Has a loss scale without a GPU."""

    def __init__(self):
        self.scale, self.updates = 65536.0, True
        self.loss_scaler = SimpleNamespace(is_enabled=lambda: True, get_scale=lambda: self.scale)

    def should_update(self):
        return self.updates


@pytest.fixture
def runner():
    return SimpleNamespace(model=nn.Linear(2, 2), optim_wrapper=None, iter=0, epoch=0)


@pytest.fixture
def hook(runner):
    hook = FiniteLossHook()
    hook.before_train(runner)
    return hook


def step(hook, runner, **outputs):
    hook.after_train_iter(runner, batch_idx=runner.iter, outputs=outputs)
    runner.iter += 1


@pytest.mark.parametrize('value', [NAN, -float('inf'), torch.tensor(NAN)])
def test_a_loss_that_is_not_finite_stops_the_run(hook, runner, value):
    step(hook, runner, loss_cls=0.5, loss=torch.tensor(1.5), acc=NAN)
    with pytest.raises(InputError) as caught:
        step(hook, runner, loss_cls=0.25, loss=value)
    message = str(caught.value)
    assert message.startswith(f'step 2 (epoch 1): loss={float(value)}; the last finite losses, at ')
    assert 'step 1, are loss_cls=0.5, loss=1.5; lower the learning rate' in message


def test_float16_may_skip_a_number_of_steps_in_a_row(hook, runner):
    runner.optim_wrapper = wrapper = ScaledOptimWrapper()
    hook.before_train(runner)
    for _ in range(2):
        for _ in range(MAX_SKIPPED):
            step(hook, runner, loss=NAN)
        step(hook, runner, loss=1.0)
    for _ in range(MAX_SKIPPED):
        wrapper.scale /= 2
        step(hook, runner, loss=1.0)
    wrapper.scale /= 2
    with pytest.raises(InputError, match='the gradients are not finite, and float16 has skipped'):
        step(hook, runner, loss=1.0)


def test_steps_that_accumulate_gradients_do_not_end_a_row_of_skipped_ones(hook, runner):
    runner.optim_wrapper = wrapper = ScaledOptimWrapper()
    hook.before_train(runner)
    with pytest.raises(InputError, match=f'more than {MAX_SKIPPED} steps in a row'):
        for _ in range(MAX_SKIPPED + 1):
            wrapper.updates = False
            step(hook, runner, loss=1.0)
            wrapper.updates = True
            wrapper.scale /= 2
            step(hook, runner, loss=1.0)


@pytest.mark.parametrize('entry', ['state_dict', 'ema_state_dict'])
def test_weights_that_are_not_finite_are_not_saved(hook, runner, entry):
    state = {key: value.clone() for key, value in runner.model.state_dict().items()}
    step(hook, runner, loss=1.0)
    hook.before_save_checkpoint(runner, {entry: state})
    state['weight'][0, 0] = NAN
    with pytest.raises(InputError, match=r'step 1 .*: 1 weights are not finite, such as weight'):
        hook.before_save_checkpoint(runner, {entry: state})


def test_infinite_masks_are_saved(runner):
    runner.model.register_buffer('mask', torch.full((2,), -float('inf')))
    hook = FiniteLossHook()
    hook.before_train(runner)
    state = runner.model.state_dict()
    averages = {f'module.{key}': value for key, value in state.items()}
    hook.before_save_checkpoint(runner, dict(state_dict=state, ema_state_dict=averages))


@pytest.mark.parametrize('strategy', [None, dict(type='SingleDeviceStrategy')])
def test_the_last_good_checkpoint_is_kept(strategy, data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data, epochs=4, batch_size=8)
    options = dict(strategy=strategy) if strategy else {}
    hooks = [dict(type='BreakWeights', step=5), dict(type='EMAHook')]
    options['custom_imports.imports'] = ['tests.helpers.broken_losses']
    runner = training.build_runner(config, tmp_path / 'w', custom_hooks=hooks, **options)
    with pytest.raises(InputError, match=r'step 6 \(epoch 3\): loss=nan'):
        runner.train()
    assert sorted(path.name for path in (tmp_path / 'w').glob('*.pth')) == [
        'epoch_1.pth',
        'epoch_2.pth',
    ]
    assert (tmp_path / 'w/last_checkpoint').read_text().endswith('epoch_2.pth')
    assert torch.isfinite(training.weights(tmp_path / 'w', 2)[WEIGHTS]).all()


def test_weights_that_break_in_the_last_step_of_an_epoch_are_not_saved(data, tmp_path):
    config = training.write_classifier(tmp_path / 'c.py', data, epochs=4, batch_size=8)
    runner = training.build_runner(
        config,
        tmp_path / 'w',
        custom_hooks=[dict(type='BreakWeights', step=4)],
        **{'custom_imports.imports': ['tests.helpers.broken_losses']},
    )
    with pytest.raises(InputError, match=rf'step 4 \(epoch 2\): .* such as {WEIGHTS}, so no check'):
        runner.train()
    assert [path.name for path in (tmp_path / 'w').glob('*.pth')] == ['epoch_1.pth']
