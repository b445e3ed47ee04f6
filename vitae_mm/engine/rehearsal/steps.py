"""Training steps, a validation batch and a checkpoint, with the objects of a run."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

import torch
from mmengine.dataset import InfiniteSampler
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from vitae_mm.checkpoints import read_checkpoint
from vitae_mm.errors import InputError


def training_batches(loader: DataLoader, processes: int) -> Iterator[list]:
    """Yields the samples of the first batch of an epoch and, if it is smaller, of the last.

    Args:
        loader: Loader of the training data for one process.
        processes: Number of processes that will share the data.
    """
    sampler: Any = loader.batch_sampler
    indices = list(next(iter(sampler)))
    dataset: Any = loader.dataset
    size, drop_last = sampler.batch_size, getattr(sampler, 'drop_last', False)
    endless = isinstance(getattr(sampler, 'sampler', None), InfiniteSampler)
    share = ceil(len(dataset) / processes)
    if not endless and share < size:
        indices = indices[:share]
    samples = [dataset[index] for index in indices]
    yield samples
    last = 0 if endless or drop_last or share < size else share % size
    if last:
        yield samples[:last]


def evaluation_batches(loader: DataLoader, sizes: Mapping[int, object]) -> Iterator[list]:
    """Yields the samples of batches that contain images of two sizes, if there are any.

    Args:
        loader: Loader of the validation data.
        sizes: Sizes of some images, by index.
    """
    dataset: Any = loader.dataset
    first = next(iter(sizes), 0)
    other = next((i for i, size in sizes.items() if size != sizes[first]), None)
    rest = (i for i in range(len(dataset)) if i not in (first, other))
    chosen = [first, *([] if other is None else [other])]
    batch: Any = loader.batch_size or 1
    chosen += islice(rest, max(batch - len(chosen), 0))
    for start in range(0, len(chosen), batch):
        yield [dataset[index] for index in chosen[start : start + batch]]


def train_step(runner: Runner, batch: Any, index: int) -> None:
    """Runs a training step as the training loops do, with all hooks.

    Raises:
        InputError: If a loss is not finite.
    """
    runner.call_hook('before_train_iter', batch_idx=index, data_batch=batch)
    outputs = runner.model.train_step(batch, optim_wrapper=runner.optim_wrapper)
    runner.call_hook('after_train_iter', batch_idx=index, data_batch=batch, outputs=outputs)
    loop: Any = runner.train_loop
    loop._iter += 1


@torch.no_grad()
def evaluation_step(runner: Runner, batch: Any, index: int) -> Sequence[Any]:
    """Returns the predictions of the model for a batch of the validation set; runs all hooks."""
    model: Any = runner.model
    runner.call_hook('before_val_iter', batch_idx=index, data_batch=batch)
    outputs = model.val_step(batch)
    runner.call_hook('after_val_iter', batch_idx=index, data_batch=batch, outputs=outputs)
    return outputs


def check_saving(runner: Runner, folder: str) -> None:
    """Saves a checkpoint, and checks that it contains the model and the optimizer.

    Raises:
        InputError: If it cannot be read again, or differs.
    """
    runner.save_checkpoint(folder, 'rehearsal.pth', by_epoch=False)
    path = Path(folder) / 'rehearsal.pth'
    content = read_checkpoint(str(path))
    path.unlink()
    saved = content['state_dict']
    if 'ema_state_dict' in content:
        # EMAHook saves the averages as the model's weights, and these in their place
        saved = {
            key.removeprefix('module.'): value for key, value in content['ema_state_dict'].items()
        }
    differing = [
        key
        for key, value in runner.model.state_dict().items()
        if key not in saved or not torch.equal(value.cpu(), saved[key])
    ]
    if differing:
        raise InputError(
            f'a saved checkpoint differs from the model in {len(differing)} entries, such as '
            f'{differing[0]}: check hooks that change checkpoints.'
        )
    wrapper: Any = runner.optim_wrapper
    if 'optimizer' in content:
        wrapper.load_state_dict(content['optimizer'])
