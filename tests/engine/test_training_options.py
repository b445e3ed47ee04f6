"""Options for memory and stability, tested by training a model of each codebase."""

from collections.abc import Callable
from contextlib import contextmanager
from itertools import pairwise

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..helpers import training

pytestmark = pytest.mark.slow

SGD = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.05))

every_codebase = pytest.mark.parametrize('write', training.WRITERS.values(), ids=training.WRITERS)


class Recorder(Hook):
    """Records weights and loss of each step."""

    priority = 'VERY_LOW'

    def before_train(self, runner):
        self.weights, self.losses = [copied(runner.model)], []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.weights.append(copied(runner.model))
        self.losses.append(outputs['loss'].item())


def copied(model):
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


@pytest.fixture
def train(data, tmp_path):
    """Trains on four images for a few epochs; returns the model and the recorder."""

    def run(
        write: Callable,
        name: str,
        optim_wrapper: dict = SGD,
        batch_size: int = 2,
        epochs: int = 2,
        backbone: dict | None = None,
        **entries,
    ):
        path = write(
            tmp_path / f'{name}.py',
            data,
            batch_size=batch_size,
            epochs=epochs,
            optim_wrapper=optim_wrapper,
            custom_hooks=[],
        )
        cfg = Config.fromfile(path)
        cfg.model.backbone.update(dict(norm_eval=True), **(backbone or {}))
        if 'decode_head' in cfg.model:
            cfg.model.decode_head.dropout_ratio = 0.0
        cfg.train_dataloader.dataset.indices = 4
        cfg.merge_from_dict(entries)
        cfg.dump(path)
        runner, recorder = training.build_runner(path, tmp_path / name), Recorder()
        runner.register_hook(recorder)
        runner.train()
        return runner.model, recorder

    return run


def equal(first, second, tolerance=0.0):
    return all(
        torch.allclose(second[name].float(), value.float(), atol=tolerance, rtol=0.0)
        for name, value in first.items()
    )


@OPTIM_WRAPPERS.register_module()
class CPUFloat16OptimWrapper(OptimWrapper):
    """Like mmengine's AmpOptimWrapper, which requires a GPU."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.scaler = torch.amp.GradScaler('cpu')

    @contextmanager
    def optim_context(self, model):
        with super().optim_context(model), torch.autocast('cpu', dtype=torch.float16):
            yield

    def update_params(self, loss):
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.zero_grad()


HALVES = [
    'vitae_mm.MixedPrecisionOptimWrapper',
    'CPUFloat16OptimWrapper',
    pytest.param(
        AmpOptimWrapper.__name__,
        marks=pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU'),
    ),
]


@every_codebase
@pytest.mark.parametrize('kind', HALVES)
def test_mixed_precision_gives_similar_losses(write, kind, train):
    _, full = train(write, 'full')
    model, half = train(write, 'half', dict(SGD, type=kind))
    assert full.losses != half.losses
    assert half.losses == pytest.approx(full.losses, rel=0.05)
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in model.parameters())
    assert not equal(half.weights[0], half.weights[-1])


@every_codebase
def test_gradients_are_accumulated(write, train):
    _, halves = train(write, 'halves', dict(SGD, accumulative_counts=2))
    assert len(halves.losses) == 4
    for i in (1, 3):
        assert equal(halves.weights[i - 1], halves.weights[i])
        assert not equal(halves.weights[i], halves.weights[i + 1])
    if write is training.write_detector:
        return  # the loss of a detector is a mean over the boxes of a batch
    _, whole = train(write, 'whole', batch_size=4)
    assert len(whole.losses) == 2 and whole.losses[0] != whole.losses[1]
    assert equal(whole.weights[-1], halves.weights[-1], tolerance=1e-6)


@every_codebase
def test_gradients_are_clipped(write, train):
    limit = 1e-3
    wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))
    for name, clip, clipped in (('free', None, False), ('clipped', dict(max_norm=limit), True)):
        model, recorder = train(write, name, dict(wrapper, clip_grad=clip))
        trained = [key for key, _ in model.named_parameters()]
        for before, after in pairwise(recorder.weights):
            step = torch.stack([(after[key] - before[key]).norm() for key in trained]).norm()
            assert (step <= 0.1 * limit * 1.01) == clipped


@every_codebase
def test_averaged_weights_are_saved(write, train, tmp_path):
    _, recorder = train(
        write,
        'averaged',
        custom_hooks=[dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.25)],
    )
    # the average starts with the weights of the first step
    average, *later = recorder.weights[1:]
    for weights in later:
        average = {
            name: value if value.dtype == torch.int64 else 0.75 * value + 0.25 * weights[name]
            for name, value in average.items()
        }
    saved = training.weights(tmp_path / 'averaged', 2)
    trained = [name for name in saved if 'running' not in name and 'num_batches' not in name]
    assert equal({name: average[name] for name in trained}, saved, tolerance=1e-6)
    assert not equal({name: recorder.weights[-1][name] for name in trained}, saved)


@every_codebase
def test_batch_norms_are_frozen(write, train):
    for frozen in (True, False):
        _, recorder = train(write, f'frozen_{frozen}', backbone=dict(norm_eval=frozen))
        first, last = recorder.weights[0], recorder.weights[-1]
        statistics = [name for name in first if 'running_mean' in name]
        assert statistics and not equal(first, last)
        assert all(torch.equal(first[name], last[name]) == frozen for name in statistics)


@every_codebase
def test_group_norms_train_on_single_images(write, train):
    model, recorder = train(
        write, 'groups', batch_size=1, backbone=dict(norm_cfg=dict(type='GN', num_groups=4))
    )
    kinds = {type(module) for module in model.backbone.modules()}
    assert nn.GroupNorm in kinds and not any(issubclass(kind, _BatchNorm) for kind in kinds)
    norm = 'backbone.stages.0.cells.0.pcm.norm1.weight'
    assert not torch.equal(recorder.weights[0][norm], recorder.weights[-1][norm])
    assert all(loss < float('inf') for loss in recorder.losses)


@every_codebase
def test_steps_follow_layer_wise_learning_rates(write, train):
    plain = dict(SGD, paramwise_cfg=dict(bias_lr_mult=1.0))
    decayed = dict(
        SGD,
        constructor='vitae_mm.LayerDecayOptimWrapperConstructor',
        paramwise_cfg=dict(layer_decay_rate=0.5),
    )
    steps = []
    for name, wrapper in dict(plain=plain, decayed=decayed).items():
        model, recorder = train(write, name, wrapper, epochs=1, batch_size=4)
        first, second = recorder.weights
        steps.append({key: second[key] - first[key] for key, _ in model.named_parameters()})
    for key, step in steps[0].items():
        layer, count = model.backbone.get_layer_depth(key, 'backbone.')
        expected = step * 0.5 ** (count - 1 - layer)
        assert torch.allclose(steps[1][key], expected, rtol=1e-3, atol=1e-6), key
