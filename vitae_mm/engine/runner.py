"""Building the runner of a config."""

from typing import Any

from mmengine._strategy import BaseStrategy
from mmengine.config import Config
from mmengine.hooks import EMAHook
from mmengine.logging import MMLogger
from mmengine.runner import FlexibleRunner, Runner

from vitae_mm.errors import InputError

from .hooks import ResumeHook
from .screen import quiet


class QuietRunner(Runner):
    """mmengine's runner, with fewer messages on the screen."""

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        logger = super().build_logger(*args, **kwargs)
        quiet(logger)
        return logger


class StrategyRunner(FlexibleRunner):
    """mmengine's runner for strategies, but with the correct epoch in its checkpoints, and with
    fewer messages on the screen."""

    def build_strategy(self, *args: Any, **kwargs: Any) -> BaseStrategy:
        strategy = super().build_strategy(*args, **kwargs)
        quiet(strategy.logger)
        return strategy

    def save_checkpoint(self, *args: Any, meta: dict | None = None, **kwargs: Any) -> None:
        # the base class counts one epoch too many when it saves after a validation
        self._position = dict(meta or {})
        super().save_checkpoint(*args, meta=meta, **kwargs)

    def call_hook(self, fn_name: str, **kwargs: Any) -> None:
        if fn_name == 'before_save_checkpoint':
            kwargs['checkpoint']['meta'].update(self._position)
        super().call_hook(fn_name, **kwargs)


def build_runner(cfg: Config) -> Runner | FlexibleRunner:
    """Builds mmengine's ``Runner`` or, for a config with a ``strategy``, its ``FlexibleRunner``,
    with our ``FSDPStrategy`` in place of mmengine's. :class:`ResumeHook` is added to its hooks.

    Raises:
        InputError: For FSDP in a single process or with averaged weights.
    """
    if not cfg.get('strategy'):
        runner = QuietRunner.from_cfg(cfg)
        runner.register_hook(ResumeHook())
        return runner
    sharded = cfg.strategy.type in ('FSDPStrategy', 'vitae_mm.FSDPStrategy')
    if sharded:
        if cfg.launcher == 'none':
            raise InputError(
                "strategy=dict(type='FSDPStrategy') shards a model across processes: start them "
                'with tools/dist_train.sh CONFIG PROCESSES, or remove strategy.'
            )
        cfg.strategy.type = 'vitae_mm.FSDPStrategy'
    runner = StrategyRunner.from_cfg(cfg)
    averaging = [type(hook).__name__ for hook in runner.hooks if isinstance(hook, EMAHook)]
    if sharded and averaging:
        raise InputError(
            f"{averaging[0]} with strategy=dict(type='FSDPStrategy'): sharded weights cannot be "
            'averaged; remove one of them.'
        )
    runner.register_hook(ResumeHook())
    return runner
