from collections.abc import Mapping

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import BaseLoop, Runner
from torch import Tensor, nn

from vitae_mm.checkpoints import (
    BACKBONE,
    check_match,
    entries_below,
    inflated_keys,
    misshapen_keys,
    unwrap_state_dict,
)
from vitae_mm.errors import InputError
from vitae_mm.registry import HOOKS


@HOOKS.register_module()
class CheckpointMatchHook(Hook):
    """Stops when a checkpoint does not fit, where mmengine would only log it
    and go on from random weights.

    A run that is tested or resumed must find every key. One that starts from
    another run's checkpoint (``load_from``) must find its whole backbone;
    heads may differ, as they do for another set of classes.

    Raises:
        InputError: Counting and naming what does not match.
    """

    priority = 'VERY_HIGH'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if isinstance(model, BaseTTAModel):
            # mmengine loads into what it runs
            model = model.module
        # FSDP's processes have a share of the entries each
        model = getattr(getattr(runner, 'strategy', None), 'blueprint', model)
        state = unwrap_state_dict(checkpoint, ema=False).state_dict
        # mmengine goes on with this dict: what is checked is what is loaded
        checkpoint['state_dict'] = state
        source = f'checkpoint {runner._load_from or "of " + runner.work_dir}'
        # the runner builds its training loop only when it trains
        training = isinstance(runner._train_loop, BaseLoop)
        print_log(
            check_start(model, state, source, whole=runner._resume or not training),
            logger='current',
        )


def check_start(
    model: nn.Module, state_dict: Mapping[str, Tensor], source: str, whole: bool
) -> str:
    """Checks weights that a run starts from against its model.

    Args:
        model: Of the run.
        state_dict: The weights.
        source: Where they come from.
        whole: Whether every key must match, or only those of the backbone.

    Returns:
        How many keys match.

    Raises:
        InputError: If too few do.
    """
    wanted = model.state_dict()
    if whole:
        check_match(model, state_dict, source)
        if inflated := inflated_keys(model, state_dict):
            # the optimizer's state has no such shapes
            raise InputError(
                f'{source} has kernels of 1x1 for {len(inflated)} parallel convs of '
                '3x3: a training can start from it (load_from, or init_cfg of the '
                'backbone), but not go on with it; resume with the config that it '
                'was trained with, or inflate it with tools/convert_checkpoint.py.'
            )
        return f'{source}: {len(wanted)} of {len(wanted)} keys matched.'
    if hasattr(model, 'backbone'):
        check_match(model.backbone, entries_below(state_dict, BACKBONE), source)
    fresh = [key for key in wanted if key not in state_dict] + misshapen_keys(model, state_dict)
    samples = f', such as {", ".join(fresh[:3])}' if fresh else ''
    inflated = len(inflated_keys(model, state_dict))
    kernels = f'; the kernels of {inflated} parallel convs are inflated' if inflated else ''
    return (
        f'{source}: {len(wanted) - len(fresh)} of {len(wanted)} keys matched; the other '
        f'{len(fresh)} keep their initial values{samples}{kernels}.'
    )
