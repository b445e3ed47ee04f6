"""Continuing a run by its config, where that differs from the one of the checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.dist import get_world_size
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict, _ParamScheduler
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import Tensor

from vitae_mm.engine.schedule import advance
from vitae_mm.engine.sharding import FSDPStrategy
from vitae_mm.errors import InputError

from .differences import Difference, find_differences, read_config_text


@dataclass(frozen=True)
class Position:
    """A place in a run.

    Attributes:
        epoch: Finished epochs; 0 in runs counted in iterations.
        iteration: Finished iterations.
        epoch_length: Iterations of an epoch; None in runs counted in iterations.
    """

    epoch: int
    iteration: int
    epoch_length: int | None


def find_position(runner: Runner, meta: Mapping[str, Any]) -> Position:
    """Returns where a run continues: at the iteration of the checkpoint or, in a run counted in
    epochs, at the begin of an epoch.

    Args:
        runner: Runner with its training loop.
        meta: Of a checkpoint.
    """
    if isinstance(runner.train_loop, IterBasedTrainLoop):
        return Position(0, meta['iter'], None)
    length = len(runner.train_dataloader)
    epoch = meta['epoch']
    if not epoch or _epoch_length(meta) == length:
        # a checkpoint of a run counted in iterations, or saved within an epoch
        epoch = meta['iter'] // length
    return Position(epoch, epoch * length, length)


def compare_run(
    runner: Runner, checkpoint: Mapping[str, Any], position: Position
) -> dict[str, Difference]:
    """Compares a run with the one that its checkpoint comes from.

    Args:
        runner: Runner with model, optimizer and schedulers.
        checkpoint: Content of the checkpoint.
        position: Where the run continues.

    Returns:
        What differs: entries of the config, number of processes and iterations of an epoch.
    """
    meta = checkpoint['meta']
    old, new = read_config_text(meta.get('cfg')), read_config_text(runner.cfg.pretty_text)
    found = {'config': Difference('not recorded', 'the given one')} if old is None else {}
    if old is not None and new is not None:
        found.update(find_differences(old, new))
    processes = meta.get('processes', get_world_size())
    if processes != get_world_size():
        found['processes'] = Difference(processes, get_world_size())
    length = _epoch_length(meta)
    if position.epoch_length and length and length != position.epoch_length:
        found['iterations of an epoch'] = Difference(length, position.epoch_length)
    if (meta['epoch'], meta['iter']) != (position.epoch, position.iteration):
        found['position (epoch, iteration)'] = Difference(
            (meta['epoch'], meta['iter']), (position.epoch, position.iteration)
        )
    if runner.param_schedulers is not None and 'param_schedulers' not in checkpoint:
        found['parameter schedulers'] = Difference('not recorded', 'those of the config')
    return found


def follow_config(
    runner: Runner,
    checkpoint: dict,
    *,
    position: Position,
    differences: Mapping[str, Difference],
    source: str,
) -> float:
    """Changes a checkpoint such that a run that loads it follows its config: the schedulers are
    those of the config, stepped to the position, and of the optimizer's state only the moments are
    kept.

    Args:
        runner: Runner whose optimizer and schedulers are new; stepped to the position.
        checkpoint: Content of the checkpoint, changed in place.
        position: Where the run continues.
        differences: Result of :func:`compare_run`.
        source: Names the checkpoint in messages.

    Returns:
        The learning rate at the position, the largest of all parameter groups.

    Raises:
        InputError: If the optimizer's state does not fit, or the learning rate cannot be computed.
    """
    checkpoint['meta'].update(epoch=position.epoch, iter=position.iteration)
    seed = differences.get('randomness.seed')
    if seed and seed.new is not None:
        checkpoint['meta']['seed'] = seed.new
    _check_types(differences, source)
    wrappers = _by_name(runner.optim_wrapper, OptimWrapperDict)
    states = checkpoint['optimizer']
    states = {'': states} if '' in wrappers else states
    if wrappers.keys() != states.keys() or not all('param_groups' in s for s in states.values()):
        raise _misfit(source, 'it comes from another number of optimizers')
    schedulers = _by_name(runner.param_schedulers or [], dict)
    recorded = _by_name(checkpoint.pop('param_schedulers', []), dict)
    parameters = _Parameters(runner)
    schedules, rates = {}, []
    for name, wrapper in wrappers.items():
        own, old, state = schedulers.get(name, []), recorded.get(name, []), states[name]
        _check_options(wrapper, state, source)
        parameters.match(wrapper, state, source)
        if _depends_on_scores(own, old):
            _keep_values(wrapper, own, state, differences=differences, source=source)
            schedules[name] = [
                {**entry, 'end': scheduler.end} for entry, scheduler in zip(old, own, strict=True)
            ]
        else:
            advance(wrapper, own, iters=position.iteration, epoch_length=position.epoch_length)
            schedules[name] = [scheduler.state_dict() for scheduler in own]
        _replace_options(wrapper, state)
        if {'optim_wrapper.type', 'optim_wrapper.loss_scale'} & differences.keys():
            state.pop('loss_scaler', None)
        rates += wrapper.get_lr()['lr']
    if runner.param_schedulers is not None:
        checkpoint['param_schedulers'] = schedules.get('', schedules)
    return max(rates)


def _epoch_length(meta: Mapping[str, Any]) -> int | None:
    """Iterations of an epoch; None if a checkpoint does not tell."""
    if 'epoch_length' in meta:
        return meta['epoch_length']
    epoch, iteration = meta['epoch'], meta['iter']
    return iteration // epoch if epoch and iteration % epoch == 0 else None


def _by_name(entries: Any, several: type[Any]) -> dict[str, Any]:
    """What belongs to each optimizer; a single one has no name."""
    return dict(entries.items()) if isinstance(entries, several) else {'': entries}


def _misfit(source: str, reason: str) -> InputError:
    return InputError(
        f'the state of the optimizer in {source} does not fit: {reason}; undo the change, or start '
        'a new run from its weights with load_from instead of --resume.'
    )


def _check_types(differences: Mapping[str, Difference], source: str) -> None:
    for path, difference in differences.items():
        types = [str(kind).rpartition('.')[2] for kind in (difference.old, difference.new)]
        if path.endswith('optimizer.type') and types[0] != types[1]:
            raise _misfit(source, f'it is that of {types[0]}, but {path} is {types[1]}')


def _check_options(wrapper: OptimWrapper, state: Mapping[str, Any], source: str) -> None:
    """Tells types of optimizers apart where the config of the checkpoint is unknown."""
    for option, value in wrapper.optimizer.defaults.items():
        # versions of torch differ in switches such as foreach
        needed = isinstance(value, (int, float, tuple)) and not isinstance(value, bool)
        if needed and not all(option in group for group in state['param_groups']):
            kind = type(wrapper.optimizer).__name__
            raise _misfit(source, f'it has no {option}, which {kind} needs')


class _Parameters:
    """Finds the parameters of a run in the state of an optimizer."""

    def __init__(self, runner: Runner):
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        self.names = {
            id(parameter): name.replace('_fsdp_wrapped_module.', '')
            for name, parameter in model.named_parameters()
        }
        strategy = getattr(runner, 'strategy', None)
        # the states of FSDP have names in place of numbers
        self.sharded = isinstance(strategy, FSDPStrategy)
        whole = strategy.unsharded if isinstance(strategy, FSDPStrategy) else model
        self.shapes = {name: parameter.shape for name, parameter in whole.named_parameters()}

    def match(self, wrapper: OptimWrapper, state: dict, source: str) -> None:
        """Gives the entries of a state the keys that the run's optimizer has for them.

        Raises:
            InputError: If the groups of parameters, or the shapes of moments, do not fit.
        """
        groups = [
            [self.names[id(parameter)] for parameter in group['params']]
            for group in wrapper.optimizer.param_groups
        ]
        recorded = [group['params'] for group in state['param_groups']]
        sizes, old_sizes = ([len(group) for group in each] for each in (groups, recorded))
        if sizes != old_sizes:
            raise _misfit(
                source, f'it has {_describe(old_sizes)}, but optim_wrapper makes {_describe(sizes)}'
            )
        moments: dict[str | int, Any] = {}
        for group, names, old_keys in zip(state['param_groups'], groups, recorded, strict=True):
            group['params'] = []
            for name, old_key in zip(names, old_keys, strict=True):
                key = name if self.sharded else len(moments)
                group['params'].append(key)
                moments[key] = state['state'].get(name if isinstance(old_key, str) else old_key)
                self._check_shapes(name, moments[key] or {}, source)
        state['state'] = {key: entry for key, entry in moments.items() if entry is not None}

    def _check_shapes(self, name: str, entry: Mapping[str, Any], source: str) -> None:
        shape = self.shapes[name]
        for moment, value in entry.items():
            # some optimizers also keep scalars, or rows and columns
            if isinstance(value, Tensor) and value.ndim == len(shape) and value.shape != shape:
                raise _misfit(
                    source,
                    f'{moment} of {name} has the shape {list(value.shape)} instead of '
                    f'{list(shape)}',
                )


def _describe(sizes: Sequence[int]) -> str:
    count = len(sizes)
    return f'{count} group{"s" * (count > 1)} of {", ".join(map(str, sizes[:8]))} parameters' + (
        ' ...' if count > 8 else ''
    )


def _depends_on_scores(schedulers: Sequence[_ParamScheduler], states: Sequence[Mapping]) -> bool:
    """Whether schedulers were moved by validations, which cannot be repeated."""
    return any(getattr(scheduler, 'need_val_args', False) for scheduler in schedulers) and any(
        'num_bad_epochs' in state for state in states
    )


def _keep_values(
    wrapper: OptimWrapper,
    schedulers: Sequence[_ParamScheduler],
    state: Mapping[str, Any],
    *,
    differences: Mapping[str, Difference],
    source: str,
) -> None:
    """Sets what schedulers control to the values of the checkpoint."""
    changed = [path for path in differences if path.startswith('param_scheduler')]
    own = [*wrapper.optimizer.param_groups]
    recorded = [*state['param_groups']]
    if wrapper.base_param_settings is not None:
        own.append(wrapper.base_param_settings)
        recorded.append(state['base_param_settings'])
    for group, old in zip(own, recorded, strict=True):
        for name in {scheduler.param_name for scheduler in schedulers}:
            if group[f'initial_{name}'] != old.get(f'initial_{name}'):
                changed.append(name)
            group[name] = old[name]
    if changed:
        raise InputError(
            f'{source} cannot be resumed with another {changed[0]}: the schedule depends on past '
            'validations (ReduceOnPlateau), which are not repeated; undo the change, or start a '
            'new run from its weights with load_from instead of --resume.'
        )


def _replace_options(wrapper: OptimWrapper, state: dict) -> None:
    """Gives the groups of a state the options of the run's optimizer."""
    state['param_groups'] = [
        {**group, 'params': old['params']}
        for group, old in zip(wrapper.optimizer.param_groups, state['param_groups'], strict=True)
    ]
    if wrapper.base_param_settings is not None:
        state['base_param_settings'] = wrapper.base_param_settings
