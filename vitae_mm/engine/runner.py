"""The runner of a config: mmengine's, for one strategy or another."""

from mmengine.config import Config
from mmengine.hooks import EMAHook
from mmengine.runner import FlexibleRunner, Runner

from vitae_mm.errors import InputError


class StrategyRunner(FlexibleRunner):
    """mmengine's runner for strategies, whose checkpoints know where they are."""

    def save_checkpoint(self, *args, meta: dict | None = None, **kwargs) -> None:
        # the base class counts one epoch too many when it saves behind a validation
        self._position = dict(meta or {})
        super().save_checkpoint(*args, meta=meta, **kwargs)

    def call_hook(self, fn_name: str, **kwargs) -> None:
        if fn_name == 'before_save_checkpoint':
            kwargs['checkpoint']['meta'].update(self._position)
        super().call_hook(fn_name, **kwargs)


def build_runner(cfg: Config) -> Runner | FlexibleRunner:
    """mmengine's ``Runner``, or, for a config with a ``strategy``, its
    ``FlexibleRunner``; ``FSDPStrategy`` is ours.

    Raises:
        InputError: For FSDP in one process, and for hooks that do not go
            with it.
    """
    if not cfg.get('strategy'):
        return Runner.from_cfg(cfg)
    sharded = cfg.strategy.type in ('FSDPStrategy', 'vitae_mm.FSDPStrategy')
    if sharded:
        if cfg.launcher == 'none':
            raise InputError(
                "strategy=dict(type='FSDPStrategy') shares a model out over "
                'processes: start it with tools/dist_train.sh CONFIG PROCESSES, or '
                'leave strategy out.'
            )
        cfg.strategy.type = 'vitae_mm.FSDPStrategy'
    cfg.setdefault('env_cfg', {})
    runner = StrategyRunner.from_cfg(cfg)
    averaging = [type(hook).__name__ for hook in runner.hooks if isinstance(hook, EMAHook)]
    if sharded and averaging:
        raise InputError(
            f"{averaging[0]} with strategy=dict(type='FSDPStrategy'): weights in "
            'shares cannot be averaged; leave one of them out.'
        )
    return runner
