"""Stopping a run whose losses or weights are no longer finite."""

import math
from collections.abc import Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.optim import AmpOptimWrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from vitae_mm.checkpoints import nonfinite_keys
from vitae_mm.engine.optim.mixed_precision import loss_scaling_wrappers
from vitae_mm.errors import DivergedError
from vitae_mm.registry import HOOKS

MAX_SKIPPED = 50
"""How many steps in a row float16 may skip; each halves the loss scale."""

REMEDY = (
    'lower the learning rate, lengthen the warm-up, clip the gradients '
    '(optim_wrapper.clip_grad=dict(max_norm=1.0)) or train in float32'
)


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stops a run at the first loss that is NaN or infinite, and never saves such weights.

    With float16 and loss scaling, which skips steps whose gradients are not finite, it stops after
    50 skipped steps in a row.

    Raises:
        DivergedError: If a loss, or a weight in a checkpoint to be saved, is not finite, or if
            float16 has skipped more than 50 steps in a row.
    """

    # after EMAHook and LoggerHook, before CheckpointHook
    priority = 'LOW'

    def __init__(self) -> None:
        self.last_losses: dict[str, float] = {}
        self.last_step = 0
        self.place = 'before the first step'
        self.skipped = 0
        self.scales: list[float] = []
        self.unbounded: set[str] = set()

    def before_train(self, runner: Runner) -> None:
        self.scales = [
            wrapper.loss_scaler.get_scale()
            for wrapper in loss_scaling_wrappers(runner.optim_wrapper)
        ]
        # masks may contain infinities by design
        self.unbounded = {_plain(key) for key in nonfinite_keys(_buffers(runner.model))}

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        self.place = f'step {runner.iter + 1} (epoch {runner.epoch + 1})'
        # costs nothing, as RuntimeInfoHook has already waited for these values
        losses = {
            name: value.item() if isinstance(value, Tensor) else float(value)
            for name, value in (outputs or {}).items()
            if 'loss' in name  # the names that mmengine adds up
        }
        bad = {name: value for name, value in losses.items() if not math.isfinite(value)}
        scaled = loss_scaling_wrappers(runner.optim_wrapper)
        if scaled:
            self._count_skipped(scaled, bad)
        elif bad:
            raise DivergedError(f'{self.place}: {_format(bad)}{self._history()}; {REMEDY}.')
        if not bad:
            self.last_losses, self.last_step = losses, runner.iter + 1

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        for entry in ('state_dict', 'ema_state_dict'):
            found = nonfinite_keys(checkpoint.get(entry) or {})
            keys = [key for key in found if _plain(key) not in self.unbounded]
            if keys:
                raise DivergedError(
                    f'{self.place}: {len(keys)} weights are not finite, such as '
                    f'{", ".join(keys[:3])}, so no checkpoint is saved{self._history()}; {REMEDY}.'
                )

    def _count_skipped(self, wrappers: list[AmpOptimWrapper], bad: Mapping[str, float]) -> None:
        scales = [wrapper.loss_scaler.get_scale() for wrapper in wrappers]
        shrunk = any(new < old for new, old in zip(scales, self.scales, strict=True))
        self.scales = scales
        if bad or shrunk:
            self.skipped += 1
        elif all(wrapper.should_update() for wrapper in wrappers):
            self.skipped = 0
        if self.skipped > MAX_SKIPPED:
            what = _format(bad) if bad else 'the gradients are not finite'
            raise DivergedError(
                f'{self.place}: {what}, and float16 has skipped more than {MAX_SKIPPED} steps '
                f'in a row{self._history()}; {REMEDY}.'
            )

    def _history(self) -> str:
        if not self.last_losses:
            return ''
        return (
            f'; the last finite losses, at step {self.last_step}, are {_format(self.last_losses)}'
        )


def _buffers(model: nn.Module) -> dict[str, Any]:
    return dict(model.named_buffers())


def _plain(key: str) -> str:
    """Returns a key without the prefix that wrappers and averaging add."""
    return key.removeprefix('module.')


def _format(losses: Mapping[str, float]) -> str:
    return ', '.join(f'{name}={value:.4g}' for name, value in losses.items())
