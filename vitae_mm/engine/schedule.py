"""Stepping parameter schedulers to a place in a run, without running it."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.optim import OptimWrapper, _ParamScheduler


def learning_rates(
    optim_wrapper: OptimWrapper,
    schedulers: Sequence[_ParamScheduler],
    *,
    iters: int,
    epoch_length: int | None,
) -> Iterator[float]:
    """Yields the learning rate of each iteration, the largest of all parameter groups.

    Args:
        optim_wrapper: Optimizer of the schedulers. Neither it nor they are changed.
        schedulers: Schedulers, from whose place in the run the rates are computed.
        iters: Number of iterations.
        epoch_length: Iterations of an epoch; None in runs counted in iterations, where mmengine
            never steps schedulers that count epochs.
    """
    copies = _Copies(optim_wrapper, schedulers)
    for _ in copies.walk(iters, epoch_length):
        yield copies.learning_rate()


def advance(
    optim_wrapper: OptimWrapper,
    schedulers: Sequence[_ParamScheduler],
    *,
    iters: int,
    epoch_length: int | None,
) -> None:
    """Steps schedulers, and with them the options of their optimizer, as training would.

    Schedulers that depend on validation results only count epochs.

    Args:
        optim_wrapper: Optimizer of the schedulers, changed in place.
        schedulers: Changed in place.
        iters: Number of iterations.
        epoch_length: Iterations of an epoch; None in runs counted in iterations, where mmengine
            never steps schedulers that count epochs.
    """
    copies = _Copies(optim_wrapper, schedulers)
    for _ in copies.walk(iters, epoch_length):
        pass
    copies.write_back()


class _DistinctGroups:
    """Takes an optimizer's place: of the parameter groups that schedulers treat alike it has one,
    as an optimizer may have hundreds."""

    _global_step = 0  # schedulers warn if the optimizer has made no step

    def __init__(self, optimizer: OptimWrapper, names: set[str], merge: bool):
        self._optimizer = optimizer
        first: dict[str, int] = {}
        self.place_of: list[int] = []
        self.chosen: list[int] = []
        for index, group in enumerate(optimizer.param_groups):
            # such as lr, initial_lr and, for OneCycleLR, max_lr
            read = {k: v for k, v in group.items() if k.endswith(tuple(names))}
            key = repr(sorted(read.items())) if merge else str(index)
            if key not in first:
                first[key] = len(self.chosen)
                self.chosen.append(index)
            self.place_of.append(first[key])
        self.param_groups = [
            {k: v for k, v in optimizer.param_groups[index].items() if k != 'params'}
            for index in self.chosen
        ]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._optimizer, name)


class _Copies:
    """Copies of schedulers that step through a run."""

    def __init__(self, optimizer: OptimWrapper, schedulers: Sequence[_ParamScheduler]):
        self.optimizer = optimizer
        self.originals = schedulers
        names = {'lr', 'betas', *(scheduler.param_name for scheduler in schedulers)}
        # schedulers of others may hold values for each group
        merge = all(type(s).__module__.startswith('mmengine.') for s in schedulers)
        self.groups = _DistinctGroups(optimizer, names, merge)
        self.schedulers = [copy.copy(scheduler) for scheduler in schedulers]
        for scheduler in self.schedulers:
            scheduler.optimizer = self.groups
            scheduler.verbose = False
            if hasattr(scheduler, 'base_values'):
                base = scheduler.base_values
                scheduler.base_values = [base[index] for index in self.groups.chosen]

    def walk(self, iters: int, epoch_length: int | None) -> Iterator[None]:
        """Stops at each iteration, then steps as mmengine's ParamSchedulerHook does."""
        by_iter = [scheduler for scheduler in self.schedulers if not scheduler.by_epoch]
        by_epoch = [scheduler for scheduler in self.schedulers if scheduler.by_epoch]
        for step in range(1, iters + 1):
            yield
            for scheduler in by_iter:
                scheduler.step()
            if epoch_length and step % epoch_length == 0:
                for scheduler in by_epoch:
                    scheduler.step()

    def learning_rate(self) -> float:
        # a wrapper also schedules its base learning rate, which is that of no parameter
        count = len(self.optimizer.optimizer.param_groups)
        groups = zip(self.groups.chosen, self.groups.param_groups, strict=True)
        return max(group['lr'] for index, group in groups if index < count)

    def write_back(self) -> None:
        groups = self.optimizer.param_groups
        # momentum schedulers also change betas
        names = {'betas', *(original.param_name for original in self.originals)}
        for group, place in zip(groups, self.groups.place_of, strict=True):
            stepped = self.groups.param_groups[place]
            group.update({name: stepped[name] for name in names & stepped.keys()})
        for original, scheduler in zip(self.originals, self.schedulers, strict=True):
            state = scheduler.state_dict()
            for name in ('verbose', 'base_values'):
                state.pop(name, None)
            state['_last_value'] = [state['_last_value'][place] for place in self.groups.place_of]
            original.load_state_dict(state)
