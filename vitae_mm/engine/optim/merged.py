"""Merging parameter groups with equal options."""

from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from torch import nn

from vitae_mm.compat import fuses_optimizers
from vitae_mm.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MergedOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """mmengine's default constructor, with one group for all parameters with equal options.

    With a ``paramwise_cfg`` the default constructor makes one group per parameter. Optimizers
    iterate over groups, and fuse their work only within a group.

    The optimizer's option ``fused`` is dropped where PyTorch cannot fuse its work, so that one
    config serves all devices.
    """

    def __call__(self, model: nn.Module) -> OptimWrapper:
        if not fuses_optimizers(next(model.parameters()).device):
            self.optimizer_cfg.pop('fused', None)
        return super().__call__(model)

    def add_params(
        self,
        params: list[dict],
        module: nn.Module,
        prefix: str = '',
        is_dcn_module: int | float | None = None,
    ) -> None:
        super().add_params(params, module, prefix=prefix, is_dcn_module=is_dcn_module)
        # the base class calls this method for the model, then recursively for its modules
        if not prefix:
            self._adjust(params, module)
            params[:] = merge_groups(params)

    def _adjust(self, params: list[dict], model: nn.Module) -> None:
        """Changes the options of the groups, each with one parameter, before they are merged."""


def merge_groups(groups: list[dict]) -> list[dict]:
    """Merges parameter groups with equal options.

    Args:
        groups: Parameter groups of an optimizer.

    Returns:
        Merged groups, in order of first appearance.
    """
    merged: dict[str, dict] = {}
    for group in groups:
        options = {key: value for key, value in group.items() if key != 'params'}
        key = repr(sorted(options.items()))  # lists are not hashable
        merged.setdefault(key, dict(params=[], **options))['params'] += group['params']
    return list(merged.values())
