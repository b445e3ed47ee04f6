"""Continuing the order of the data in runs counted in iterations."""

from collections.abc import Iterator
from typing import Any

from mmengine.dataset import DefaultSampler, InfiniteSampler
from mmengine.logging import print_log
from mmengine.runner import IterBasedTrainLoop
from torch.utils.data import DataLoader


def continue_data_order(loop: IterBasedTrainLoop) -> None:
    """Makes a resumed loop pass over the batches that it has trained on, which mmengine would
    decode again with most samplers.

    Args:
        loop: Loop that has not begun yet, changed in place. Unchanged if its sampler or batch
            sampler is of a kind that may not start anew.
    """
    batch_sampler = loop.dataloader.batch_sampler
    sampler = getattr(batch_sampler, 'sampler', None)
    if type(sampler) not in (DefaultSampler, InfiniteSampler):
        return
    try:
        fresh = type(batch_sampler)(sampler, batch_sampler.batch_size, batch_sampler.drop_last)
    except (AttributeError, TypeError):
        return
    if isinstance(sampler, InfiniteSampler):
        # its only pass may have begun: data workers read ahead
        sampler.indices = sampler._indices_of_rank()
    # older versions of mmengine call next instead
    calls = 0 if hasattr(loop.dataloader_iterator, 'skip_iter') else loop.iter
    print_log(f'Continuing with the data of iteration {loop.iter + 1}', logger='current')
    loop.dataloader_iterator = ContinuedIterator(
        loop.dataloader, _RestOfPass(fresh, loop.iter), ignored_calls=calls
    )


class _RestOfPass:
    """Yields the batches of indices after a number of them, to the end of the pass."""

    def __init__(self, batch_sampler: Any, skipped: int):
        self.sampler = batch_sampler.sampler
        self.passes = 0
        self._batches = iter(batch_sampler)
        for _ in range(skipped):
            if next(self._batches, None) is None:
                self.passes += 1
                self.sampler.set_epoch(self.passes)
                self._batches = iter(batch_sampler)
                next(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        return self._batches


class ContinuedIterator:
    """Iterates over a data loader again and again, but the first pass begins within the data.

    Args:
        loader: Data loader of a loop.
        indices: Indices of the rest of the first pass.
        ignored_calls: Number of calls of ``next`` that return nothing. Defaults to 0.
    """

    def __init__(self, loader: DataLoader, indices: _RestOfPass, ignored_calls: int = 0):
        self._loader = loader
        self._sampler = indices.sampler
        self._passes = indices.passes
        self._ignored_calls = ignored_calls
        self._iterator = iter(
            DataLoader(
                loader.dataset,
                batch_sampler=indices,
                num_workers=loader.num_workers,
                collate_fn=loader.collate_fn,
                pin_memory=loader.pin_memory,
                timeout=loader.timeout,
                worker_init_fn=loader.worker_init_fn,
                multiprocessing_context=loader.multiprocessing_context,
                generator=loader.generator,
                prefetch_factor=loader.prefetch_factor,
                persistent_workers=loader.persistent_workers,
            )
        )

    def __iter__(self) -> 'ContinuedIterator':
        return self

    def __next__(self) -> Any:
        if self._ignored_calls:
            self._ignored_calls -= 1
            return None
        try:
            return next(self._iterator)
        except StopIteration:
            self._passes += 1
            self._sampler.set_epoch(self._passes)
            self._iterator = iter(self._loader)
            return next(self._iterator)

    def skip_iter(self, num_iters: int) -> None:
        """Does nothing, as the batches are skipped already."""
