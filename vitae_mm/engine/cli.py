"""Command lines: options to config, and errors a user can mend."""
import functools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mmengine.config import Config

from vitae_mm.errors import InputError

PATIENCE = 5
"""Seconds that other ranks leave rank 0 to report an error that all share."""


def reports_input_errors(main: Callable[[], None]) -> Callable[[], None]:
    """Prints an :class:`InputError` as one message, once for all processes,
    and exits with 1."""

    @functools.wraps(main)
    def wrapped() -> None:
        try:
            main()
        except InputError as error:
            rank = int(os.environ.get('RANK', os.environ.get('SLURM_PROCID', 0)))
            if rank:
                time.sleep(PATIENCE)
            where = f' (rank {rank})' if rank else ''
            print(f'error{where}: {error}', file=sys.stderr, flush=True)
            # skips destructors that would wait for the other ranks
            sys.stdout.flush()
            os._exit(1)

    return wrapped


def load_config(path: str, overrides: dict | None = None, work_dir: str | None = None) -> Config:
    """Reads a config and applies what the command line says.

    Args:
        path: Config file.
        overrides: Of ``--cfg-options``.
        work_dir: Where results go. Defaults to the config's own, else
            ``work_dirs/<name of the config>``.

    Raises:
        InputError: If there is no such config.
    """
    if not Path(path).is_file():
        raise InputError(f'config {path} does not exist: see configs/ for those that do.')
    cfg = Config.fromfile(path)
    if overrides:
        cfg.merge_from_dict(overrides)
    if work_dir:
        cfg.work_dir = work_dir
    elif not cfg.get('work_dir'):
        cfg.work_dir = str(Path('work_dirs') / Path(path).stem)
    return cfg
