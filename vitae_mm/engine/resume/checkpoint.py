"""The checkpoint that a run is resumed from."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from vitae_mm.checkpoints import read_checkpoint
from vitae_mm.engine.distributed import from_rank_0, local_rank, process_rank
from vitae_mm.errors import InputError


def last_checkpoint(work_dir: str | os.PathLike) -> Path | None:
    """Returns the last checkpoint of the run in a work dir; None if it has saved none.

    The file ``last_checkpoint`` holds its path. A file of that name in the work dir is preferred,
    as the folder may have been moved or copied.
    """
    record = Path(work_dir) / 'last_checkpoint'
    text = record.read_text().strip() if record.is_file() else ''
    if not text:
        return None
    recorded, inside = Path(text), record.with_name(Path(text).name)
    return recorded if recorded.is_file() and not inside.is_file() else inside


def resume_from(cfg: Config, checkpoint: str | None) -> None:
    """Sets the checkpoint to resume from; without one, a new run starts.

    Args:
        cfg: Config of a training run, changed in place.
        checkpoint: A file or address, or 'auto' for the last one in the work dir. None for what
            the config says: ``load_from``, or the last one in the work dir.
    """
    if checkpoint is None and cfg.get('load_from'):
        return
    if checkpoint in (None, 'auto'):
        found = last_checkpoint(cfg.work_dir)
        checkpoint = str(found) if found else None
    if checkpoint:
        cfg.resume, cfg.load_from = True, checkpoint
    elif not (cfg.get('resume') and cfg.get('load_from')):
        cfg.resume = False
        if process_rank() == 0:
            print(f'--resume: no checkpoint in {cfg.work_dir} yet, starting a new run')


def resume_as_rank_0(cfg: Config, checkpoint: str | None, trust: bool = False) -> str | None:
    """Sets the checkpoint to resume from, which rank 0 chooses for all processes.

    Args:
        cfg, checkpoint: As in :func:`resume_from`.
        trust: As in :func:`report_finished`. Defaults to False.

    Returns:
        A sentence if the run is finished already; else None.

    Raises:
        InputError: As in :func:`report_finished`, and on each machine that lacks the checkpoint.
    """
    finished = None
    if process_rank() == 0:
        resume_from(cfg, checkpoint)
        finished = report_finished(cfg, trust)
    cfg.resume, cfg.load_from, finished = from_rank_0(
        'resume', [cfg.get('resume'), cfg.get('load_from'), finished]
    )
    path = cfg.load_from if cfg.resume and '://' not in cfg.load_from else None
    if path and local_rank() == 0 and not Path(path).expanduser().is_file():
        raise InputError(
            f'checkpoint {path}, from which rank 0 resumes, does not exist on '
            f'{socket.gethostname()}: use a work dir that all machines share, or copy it there.'
        )
    return finished


def check_resumable(content: Any, path: object) -> None:
    """Checks that a checkpoint contains all that resuming needs; parameter schedulers can be
    rebuilt.

    Args:
        content: Content of the checkpoint.
        path: Where it comes from, for messages.

    Raises:
        InputError: If something is missing.
    """
    entries = content if isinstance(content, Mapping) else {}
    meta = entries.get('meta')
    meta = meta if isinstance(meta, Mapping) else {}
    found = {
        'the state of the optimizer': isinstance(entries.get('optimizer'), Mapping),
        'the epoch': isinstance(meta.get('epoch'), int),
        'the iteration': isinstance(meta.get('iter'), int),
        'the log history': bool(entries.get('message_hub')),
    }
    missing = [name for name, present in found.items() if not present]
    if missing:
        raise InputError(
            f'checkpoint {path} cannot be resumed, as it lacks {", ".join(missing)}: resume from '
            'one that the run saved at regular intervals, such as epoch_N.pth, or start a new run '
            f'from its weights with --cfg-options load_from={path} instead of --resume.'
        )


def report_finished(cfg: Config, trust: bool = False) -> str | None:
    """Returns a sentence if the run to resume is finished already; else None.

    Args:
        cfg: Config of a training run; not changed.
        trust: Unpickle any object in the checkpoint. Defaults to False.

    Raises:
        InputError: If the checkpoint to resume from is missing, broken or lacks something.
    """
    if not cfg.get('resume') or '://' in cfg.load_from:
        return None
    content = read_checkpoint(cfg.load_from, map_location='meta', trust=trust)
    check_resumable(content, cfg.load_from)
    for unit, name, limit in (('epoch', 'epoch', 'max_epochs'), ('iter', 'iteration', 'max_iters')):
        end, place = (cfg.get('train_cfg') or {}).get(limit), content['meta'][unit]
        if end is not None and place >= end:
            return (
                f'{cfg.load_from}: the run is finished ({name} {place} of {end}); to train longer, '
                f'raise train_cfg.{limit}.'
            )
    return None
