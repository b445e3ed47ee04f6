from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from vitae_mm.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class MergedOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """mmengine's default constructor, with one group for all parameters of the
    same options.

    The default one makes a group of each parameter where there is a
    ``paramwise_cfg``; optimizers go from group to group, and fuse their work
    within one alone.
    """

    def add_params(
        self,
        params: list[dict],
        module: nn.Module,
        prefix: str = '',
        is_dcn_module: int | float | None = None,
    ) -> None:
        super().add_params(params, module, prefix, is_dcn_module)
        # the base class calls this method for the model, and then for each module below
        if not prefix:
            self._adjust(params, module)
            params[:] = merge_groups(params)

    def _adjust(self, params: list[dict], model: nn.Module) -> None:
        """Changes the options of the parameters' groups, one of each."""


def merge_groups(groups: list[dict]) -> list[dict]:
    """Parameter groups, those of the same options as one.

    Args:
        groups: As optimizers take them.

    Returns:
        In the order in which options first appear.
    """
    merged = {}
    for group in groups:
        options = {key: value for key, value in group.items() if key != 'params'}
        # options may be lists
        merged.setdefault(repr(sorted(options.items())), dict(params=[], **options))['params'] += (
            group['params']
        )
    return list(merged.values())
