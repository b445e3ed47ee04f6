"""Checking the work dir of a run, and that its data fill a batch."""

import copy
import os
import shutil
from collections.abc import Iterable, Sized
from math import ceil
from pathlib import Path
from typing import Any, cast

from mmengine.config import Config
from mmengine.dataset import InfiniteSampler
from mmengine.runner import Runner
from rich.filesize import decimal
from torch import Tensor, nn
from torch.utils.data import DataLoader

from vitae_mm.engine.config import iter_dicts, type_name
from vitae_mm.errors import InputError

from .sources import sources

OPTIMIZER_COPIES = dict(SGD=1)
"""Number of values that an optimizer stores per parameter; others, such as Adam, store two."""


def check_work_dir(work_dir: str, resume: bool, overwrite: bool) -> None:
    """Checks that the work dir is writable and does not contain another run.

    Args:
        work_dir: Path of the folder; it does not need to exist.
        resume: Whether an earlier run in it is resumed.
        overwrite: Whether an earlier run in it is replaced.

    Raises:
        InputError: If the folder is a file, is inside one or is not writable, or if it contains a
            run that is neither resumed nor replaced.
    """
    place = nearest_folder(work_dir)
    if not place.is_dir():
        raise InputError(
            f'the work dir {work_dir} cannot be created because {place} is a file: choose another '
            '--work-dir.'
        )
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(
            f'the work dir {work_dir} cannot be used because {place} is not writable: choose '
            'another --work-dir, or change the permissions.'
        )
    if _record(work_dir).exists() and not resume and not overwrite:
        raise InputError(
            f'{work_dir} already contains a run: continue it with --resume, choose another '
            '--work-dir, or replace it with --overwrite.'
        )


def forget_run(work_dir: str) -> None:
    """Removes the record of the last checkpoint, so that a new run that ends early does not
    resume the old one."""
    _record(work_dir).unlink(missing_ok=True)


def check_room(cfg: Config, model: nn.Module) -> None:
    """Raises InputError if there is not enough disk space for a checkpoint."""
    needed, free = checkpoint_bytes(cfg, model), free_bytes(cfg.work_dir)
    if free < needed:
        raise InputError(
            f'the work dir {cfg.work_dir} has {decimal(free)} free, one checkpoint takes about '
            f'{decimal(needed)}: free some space, choose another --work-dir, or save no optimizer '
            'state with --cfg-options default_hooks.checkpoint.save_optimizer=False.'
        )


def checkpoint_bytes(cfg: Config, model: nn.Module) -> int:
    """Estimates the size of a checkpoint from weights, averaged weights and optimizer state."""
    weights = _bytes(model.state_dict().values())
    averages = any(
        type_name(hook).endswith('EMAHook') for hook in iter_dicts(cfg.get('custom_hooks'))
    )
    total = weights * (1 + averages)
    saving = cfg.default_hooks.get('checkpoint') or {}
    if saving.get('save_optimizer', True):
        copies = OPTIMIZER_COPIES.get(type_name(cfg.optim_wrapper.get('optimizer', {})), 2)
        total += copies * _bytes(p for p in model.parameters() if p.requires_grad)
    return total


def free_bytes(work_dir: str) -> int:
    """Returns the free space on the disk of the work dir."""
    return shutil.disk_usage(nearest_folder(work_dir)).free


def check_loader(loader: DataLoader, processes: int = 1) -> int:
    """Checks that there is at least one batch of training data.

    With fewer samples than processes, samples are repeated. But a loader that drops the last
    incomplete batch may have no batch at all.

    Args:
        loader: Loader of the training data.
        processes: Number of processes that will share the data. Defaults to 1.

    Returns:
        The number of batches per process and epoch.

    Raises:
        InputError: If there is no batch.
    """
    samples = len(cast(Sized, loader.dataset))
    batch: Any = loader.batch_sampler
    batches = ceil(len(loader) / processes)
    if processes > 1 and getattr(batch, 'drop_last', False):
        batches = ceil(samples / processes) // batch.batch_size
    endless = isinstance(getattr(batch, 'sampler', None), InfiniteSampler)
    if not samples or (not batches and not endless):
        raise InputError(
            f'train_dataloader: {samples} samples are not enough for a full batch in each process: '
            'use more images, a smaller batch_size, fewer processes, or drop_last=False.'
        )
    return batches


def build_loader(cfg: Config, split: str) -> DataLoader | None:
    """Builds a data loader for one process; returns None if the data are not downloaded yet."""
    cfg = copy.deepcopy(cfg)
    downloading = [source for source in sources(cfg, split) if source.downloads]
    for source in downloading:
        source.options['download'] = False
    try:
        return Runner.build_dataloader(cfg[f'{split}_dataloader'], seed=0)
    except RuntimeError:
        if not downloading:
            raise
        return None


def nearest_folder(work_dir: str) -> Path:
    """Returns the work dir, or its nearest existing parent."""
    path = Path(work_dir).absolute()
    return next(place for place in (path, *path.parents) if place.exists())


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _record(work_dir: str) -> Path:
    """The file that mmengine resumes from, with the path of the last checkpoint."""
    return Path(work_dir) / 'last_checkpoint'
