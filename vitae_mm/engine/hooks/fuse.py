"""Testing a fused copy of the model."""

import copy

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from vitae_mm.engine.fusion import fuse_for_inference
from vitae_mm.registry import HOOKS


@HOOKS.register_module()
class FuseHook(Hook):
    """Tests a fused copy of the model; see :func:`fuse_for_inference`.

    The original is kept because hooks that average weights restore it after testing.
    """

    # after the hooks that put averaged weights into the model
    priority = 'VERY_LOW'

    def before_test(self, runner: Runner) -> None:
        self.original = runner.model.module if is_model_wrapper(runner.model) else runner.model
        _set_model(runner, fuse_for_inference(copy.deepcopy(self.original).eval()))

    def after_test(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        _set_model(runner, self.original)
        del self.original


def _set_model(runner: Runner, model: nn.Module) -> None:
    if is_model_wrapper(runner.model):
        runner.model.module = model
    else:
        runner.model = model
