"""Checking that a checkpoint fits the model of a run."""

from collections.abc import Mapping

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import BaseLoop, Runner
from torch import Tensor, nn

from vitae_mm.checkpoints import (
    BACKBONE_PREFIX,
    check_finite,
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
    """Stops a run if its checkpoint does not fit, where mmengine would only log a warning and
    continue with random weights.

    Testing and resuming need every key. A new run that starts from a checkpoint (``load_from``)
    needs the whole backbone; heads may differ, for example for a different number of classes.

    Raises:
        InputError: If required keys do not match.
    """

    priority = 'VERY_HIGH'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if isinstance(model, BaseTTAModel):
            # mmengine loads the checkpoint into the wrapped model
            model = model.module
        # with FSDP the model's own entries are sharded
        model = getattr(getattr(runner, 'strategy', None), 'unsharded', model)
        state = unwrap_state_dict(checkpoint, ema=False).state_dict
        checkpoint['state_dict'] = state  # mmengine loads this entry
        source = f'checkpoint {runner._load_from or "of " + runner.work_dir}'
        # the runner builds the training loop only for training
        whole = runner._resume or not isinstance(runner._train_loop, BaseLoop)
        print_log(check_start(model, state, source=source, whole=whole), logger='current')


def check_start(
    model: nn.Module, state_dict: Mapping[str, Tensor], source: str, whole: bool
) -> str:
    """Checks the weights that a run starts from.

    Args:
        model: Model of the run.
        state_dict: Weights to load into it.
        source: Where the weights come from, for messages.
        whole: Whether every key must match, or only those of the backbone.

    Returns:
        A message with the number of matched keys.

    Raises:
        InputError: If required keys do not match, or values are not finite.
    """
    wanted = model.state_dict()
    inflated = len(inflated_keys(model, state_dict))
    if whole:
        check_match(model, state_dict, source)
        if inflated:
            # the optimizer's state does not have the inflated shapes
            raise InputError(
                f'{source} has 1x1 kernels for {inflated} parallel convs of 3x3: a new run can '
                'start from it (load_from, or init_cfg of the backbone), but it cannot be resumed '
                'or tested; use the config that it was trained with, or inflate it with '
                'tools/convert_checkpoint.py.'
            )
        return f'{source}: {len(wanted)} of {len(wanted)} keys matched.'
    backbone = getattr(model, 'backbone', None)
    if backbone is not None:
        check_match(backbone, entries_below(state_dict, BACKBONE_PREFIX), source)
    check_finite(model, state_dict, source)
    fresh = [key for key in wanted if key not in state_dict] + misshapen_keys(model, state_dict)
    examples = f', such as {", ".join(fresh[:3])}' if fresh else ''
    kernels = f'; the kernels of {inflated} parallel convs are inflated' if inflated else ''
    return (
        f'{source}: {len(wanted) - len(fresh)} of {len(wanted)} keys matched; the other '
        f'{len(fresh)} keep their initial values{examples}{kernels}.'
    )
