from mmengine.dist import all_reduce_params
from mmengine.hooks import EMAHook, Hook
from mmengine.runner import Runner

from vitae_mm.registry import HOOKS


@HOOKS.register_module()
class SyncAveragedBuffersHook(Hook):
    """Averages the buffers of an :class:`EMAHook`'s weights over all processes
    at the end of each epoch and before each validation.

    Batch statistics differ from process to process, and so do their running
    averages: else every process would evaluate with its own, while the first
    one's are saved. For the trained weights mmengine's ``SyncBuffersHook`` does
    the same.
    """

    priority = 'ABOVE_NORMAL'  # before EMAHook puts them into the model

    def after_train_epoch(self, runner: Runner) -> None:
        self._average(runner)

    def before_val_epoch(self, runner: Runner) -> None:
        # trainings counted in iterations validate within an epoch
        self._average(runner)

    @staticmethod
    def _average(runner: Runner) -> None:
        for hook in runner.hooks:
            if isinstance(hook, EMAHook):
                all_reduce_params(hook.ema_model.buffers(), op='mean')
