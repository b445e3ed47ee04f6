"""The folder that a run writes to."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from mmengine.config import Config
from rich.filesize import decimal
from torch import Tensor, nn

from vitae_mm.engine.config import dicts, type_name
from vitae_mm.errors import InputError

OPTIMIZER_COPIES = dict(SGD=1)
"""How many numbers an optimizer keeps for each one that it trains; others, as
Adam and its kin, two."""


def check_work_dir(work_dir: str, resume: bool, overwrite: bool) -> None:
    """Refuses a folder that cannot be written to, and to train over the
    checkpoints of another run.

    Args:
        work_dir: The folder, which need not be there.
        resume: Whether the run in it is continued.
        overwrite: Whether the run in it is replaced.

    Raises:
        InputError: If it is or lies below a file or a folder that is not
            writable; if it holds a run and neither is asked for.
    """
    place = _nearest_folder(work_dir)
    if not place.is_dir():
        raise InputError(
            f'the work dir {work_dir} cannot be made, {place} is a file: choose another --work-dir.'
        )
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(
            f'the work dir {work_dir} cannot be written, {place} is not writable: '
            'choose another --work-dir, or have its permissions changed.'
        )
    if _mark(work_dir).exists() and not resume and not overwrite:
        raise InputError(
            f'{work_dir} already holds a run: continue it with --resume, choose '
            'another --work-dir, or give --overwrite to replace it.'
        )


def forget_run(work_dir: str) -> None:
    """Makes a run anew of one that is cut short early, where else the old one
    would be resumed."""
    _mark(work_dir).unlink(missing_ok=True)


def check_room(cfg: Config, model: nn.Module) -> None:
    """Raises InputError if the work dir has no room for one checkpoint."""
    needed, free = checkpoint_bytes(cfg, model), free_bytes(cfg.work_dir)
    if free < needed:
        raise InputError(
            f'the work dir {cfg.work_dir} has {decimal(free)} free, one checkpoint '
            f'takes about {decimal(needed)}: make room, choose another --work-dir, '
            'or leave the optimizer out of checkpoints with --cfg-options '
            'default_hooks.checkpoint.save_optimizer=False.'
        )


def checkpoint_bytes(cfg: Config, model: nn.Module) -> int:
    """About the size of a checkpoint: weights, averaged weights, and what the
    optimizer keeps."""
    weights = _bytes(model.state_dict().values())
    averages = any(type_name(hook).endswith('EMAHook') for hook in dicts(cfg.get('custom_hooks')))
    total = weights * (1 + averages)
    saving = cfg.default_hooks.get('checkpoint') or {}
    if saving.get('save_optimizer', True):
        copies = OPTIMIZER_COPIES.get(type_name(cfg.optim_wrapper.get('optimizer', {})), 2)
        total += copies * _bytes(p for p in model.parameters() if p.requires_grad)
    return total


def free_bytes(work_dir: str) -> int:
    """Room where the work dir is or will be."""
    return shutil.disk_usage(_nearest_folder(work_dir)).free


def _nearest_folder(work_dir: str) -> Path:
    """The work dir, or the first of the folders above it that is there."""
    path = Path(work_dir).absolute()
    return next(place for place in (path, *path.parents) if place.exists())


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _mark(work_dir: str) -> Path:
    """Names the last checkpoint of a run."""
    return Path(work_dir) / 'last_checkpoint'
