"""Building and checking data loaders."""

import copy
from collections.abc import Sized
from math import ceil
from typing import Any, cast

from mmengine.config import Config
from mmengine.dataset import InfiniteSampler
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from vitae_mm.errors import InputError

from .source import sources


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
