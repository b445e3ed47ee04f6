from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner

from vitae_mm.checkpoints import (BACKBONE, check_match, entries_below, misshapen_keys,
                                  unwrap_state_dict)
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
        state = unwrap_state_dict(checkpoint, ema=False).state_dict
        # mmengine goes on with this dict: what is checked is what is loaded
        checkpoint['state_dict'] = state
        source = f'checkpoint {runner._load_from or "of " + runner.work_dir}'
        # the runner builds its training loop only when it trains
        training = isinstance(runner._train_loop, BaseLoop)
        if runner._resume or not training:
            check_match(model, state, source)
            return
        if hasattr(model, 'backbone'):
            check_match(model.backbone, entries_below(state, BACKBONE), source)
        wanted = model.state_dict()
        fresh = [key for key in wanted if key not in state] + misshapen_keys(model, state)
        samples = f', such as {", ".join(fresh[:3])}' if fresh else ''
        print_log(f'{source}: {len(wanted) - len(fresh)} of {len(wanted)} keys matched; the other '
                  f'{len(fresh)} keep their initial values{samples}.', logger='current')
