"""Data loaders, once they are built."""

import copy
from math import ceil

from mmengine.config import Config
from mmengine.dataset import InfiniteSampler
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from vitae_mm.errors import InputError

from .source import sources


def check_loader(loader: DataLoader, processes: int = 1) -> int:
    """Checks that a training gets something to see.

    A few samples go round: of one image, each of eight processes gets a copy.
    But a loader that drops what is no full batch may have none left.

    Args:
        loader: Of a training.
        processes: Among which it is yet to be divided. Defaults to 1.

    Returns:
        Batches of each process, once through the data.

    Raises:
        InputError: If there are none.
    """
    samples, batch = len(loader.dataset), loader.batch_sampler
    batches = ceil(len(loader) / processes)
    if processes > 1 and getattr(batch, 'drop_last', False):
        batches = ceil(samples / processes) // batch.batch_size
    endless = isinstance(getattr(batch, 'sampler', None), InfiniteSampler)
    if not samples or (not batches and not endless):
        raise InputError(
            f'train_dataloader: {samples} samples make no full batch for each '
            'process: give more images, a smaller batch_size, fewer processes, or '
            'drop_last=False.'
        )
    return batches


def build_loader(cfg: Config, split: str) -> DataLoader | None:
    """A data loader for one process; None if its data are yet to be
    downloaded, which is not done here."""
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
