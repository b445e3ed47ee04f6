"""Synchronizing the batch norm statistics of averaged weights."""

from mmengine.dist import all_reduce_params
from mmengine.hooks import EMAHook, Hook
from mmengine.runner import Runner

from vitae_mm.registry import HOOKS


@HOOKS.register_module()
class SyncAveragedBuffersHook(Hook):
    """Averages the buffers of an :class:`EMAHook`'s model over all processes, after each epoch and
    before each validation.

    Batch statistics differ between processes, and so do their running averages. Without this
    hook, each process would evaluate with its own averages, while only those of rank 0 are saved.
    mmengine's ``SyncBuffersHook`` does the same for the trained weights.
    """

    priority = 'ABOVE_NORMAL'  # before EMAHook puts them into the model

    def after_train_epoch(self, runner: Runner) -> None:
        average_averaged_buffers(runner)

    # runs counted in iterations validate within an epoch
    before_val_epoch = after_train_epoch


def average_averaged_buffers(runner: Runner) -> None:
    """Averages the buffers of averaged weights over all processes."""
    for hook in runner.hooks:
        if isinstance(hook, EMAHook):
            all_reduce_params(hook.ema_model.buffers(), op='mean')
