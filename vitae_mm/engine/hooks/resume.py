"""Making a resumed run follow its config."""

from mmengine.dist import get_world_size
from mmengine.hooks import EMAHook, Hook
from mmengine.logging import print_log
from mmengine.runner import IterBasedTrainLoop, Runner

from vitae_mm.engine.resume import (
    check_resumable,
    compare_run,
    continue_data_order,
    find_position,
    follow_config,
    match_moments,
)
from vitae_mm.registry import HOOKS

SHOWN = 20
"""Number of differences to list."""


@HOOKS.register_module()
class ResumeHook(Hook):
    """Makes a resumed run follow its config, where mmengine would continue with the schedule and
    the optimizer's options of the checkpoint.

    Nothing is changed if config, number of processes and iterations of an epoch are those of the
    checkpoint. Otherwise the differences are logged, the parameter schedulers of the config are
    stepped to the place of the run, which is the epoch in runs counted in epochs, and of the
    optimizer's state only the moments are kept. Runs counted in iterations continue with the next
    data, without reading those before. Moments have the memory format of their parameters.

    Raises:
        InputError: If the checkpoint lacks something, or its state does not fit the config.
    """

    # after CheckpointMatchHook, before the hooks that load averaged weights
    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        match_moments(runner.optim_wrapper)
        loop = runner.train_loop
        if (
            isinstance(loop, IterBasedTrainLoop)
            and loop.iter
            and not getattr(loop, 'fast_forward_on_resume', False)
        ):
            continue_data_order(loop)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        checkpoint['meta'].update(
            processes=get_world_size(), epoch_length=len(runner.train_dataloader)
        )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if not runner._resume:
            return
        source = f'checkpoint {runner._load_from or "of " + runner.work_dir}'
        check_resumable(checkpoint, runner._load_from or runner.work_dir)
        if not any(isinstance(hook, EMAHook) for hook in runner.hooks):
            _use_trained_weights(checkpoint, source)
        position = find_position(runner, checkpoint['meta'])
        differences = compare_run(runner, checkpoint, position)
        if not differences:
            return
        lines = [f'  {name}: {difference}' for name, difference in differences.items()]
        if len(lines) > SHOWN:
            lines[SHOWN:] = [f'  and {len(lines) - SHOWN} more']
        print_log(
            '\n'.join([f'The run differs from the one that saved {source}:', *lines]),
            logger='current',
        )
        rate = follow_config(
            runner, checkpoint, position=position, differences=differences, source=source
        )
        place = f'iteration {position.iteration} of {runner.max_iters}'
        if position.epoch_length:
            place = f'epoch {position.epoch} of {runner.max_epochs}, {place}'
        print_log(
            f'Continuing by the config after {place}: learning rate {rate:.4g}, the moments of '
            'the optimizer are kept.',
            logger='current',
        )


def _use_trained_weights(checkpoint: dict, source: str) -> None:
    """Restores the weights that the optimizer trained; EMAHook saves the averages in their
    place."""
    saved = checkpoint.pop('ema_state_dict', None)
    if saved is None:
        return
    weights = checkpoint['state_dict']
    for key, value in saved.items():
        name = key.removeprefix('module.')
        if name != key and name in weights:
            weights[name] = value
    print_log(
        f'{source} has averaged weights, but the config has no EMAHook: continuing with the '
        'weights that were not averaged.',
        logger='current',
    )
