"""Command-line arguments that the tools share, and reporting of input errors."""

import argparse
import functools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.config import DictAction

from vitae_mm.errors import InputError

from .distributed import process_rank

PLOT_SUFFIXES = ('.png', '.pdf', '.svg')

REPORT_SECONDS = 5
"""How long other ranks wait for rank 0 to report an error that all ranks share."""


def reports_input_errors(main: Callable[[], None]) -> Callable[[], None]:
    """Makes ``main`` print the message of an :class:`InputError` without a traceback, once for all
    processes, and exit with status 1."""

    @functools.wraps(main)
    def wrapped() -> None:
        try:
            main()
        except InputError as error:
            rank = process_rank()
            if rank:
                time.sleep(REPORT_SECONDS)
            where = f' (rank {rank})' if rank else ''
            # an error raised in a data worker includes its traceback
            message = str(error).rpartition('InputError: ')[2].strip()
            print(f'error{where}: {message}', file=sys.stderr, flush=True)
            # skip destructors, which would wait for the other ranks
            sys.stdout.flush()
            os._exit(1)

    return wrapped


def add_launcher_argument(parser: argparse.ArgumentParser, scripts: str) -> None:
    """Adds ``--launcher``, which is set by the given shell scripts."""
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm'], default='none', help=f'set by {scripts}'
    )
    # some launchers pass it; we read the environment variable instead
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def add_trust_argument(parser: argparse.ArgumentParser) -> None:
    """Adds ``--trust``."""
    parser.add_argument(
        '--trust',
        action='store_true',
        help='unpickle any object in a checkpoint; this runs code hidden in it',
    )


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """Adds ``--cfg-options``, the ``overrides`` of :func:`load_config`."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override config entries, e.g. train_dataloader.batch_size=4',
    )


def add_device_argument(parser: argparse.ArgumentParser) -> None:
    """Adds ``--device``, to be checked with :func:`check_device`."""
    parser.add_argument(
        '--device',
        default='cuda' if torch.cuda.is_available() else 'cpu',
        help='default: cuda if a GPU is available, otherwise cpu',
    )


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments for a trained model."""
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='trained or converted checkpoint')
    add_trust_argument(parser)
    add_config_argument(parser)


def add_models_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments for a trained model and for others to compare it with;
    :func:`name_models` reads them."""
    add_model_arguments(parser)
    parser.add_argument(
        '--compare',
        nargs=2,
        action='append',
        default=[],
        metavar=('CONFIG', 'CHECKPOINT'),
        help='another model to compare with the first; may be repeated',
    )
    parser.add_argument(
        '--labels', nargs='+', help='one label for each model; default: its config name'
    )
    add_device_argument(parser)


def name_models(args: argparse.Namespace) -> dict[str, tuple[str, str]]:
    """Maps the label of each model to its config and checkpoint.

    Raises:
        InputError: Unless each model has a unique label.
    """
    models = [(args.config, args.checkpoint), *map(tuple, args.compare)]
    labels = args.labels or [Path(config).stem for config, _ in models]
    if len(labels) != len(models) or len(set(labels)) < len(labels):
        raise InputError(
            f'labels {labels}: give one unique label per model in --labels, {len(models)} in total.'
        )
    return dict(zip(labels, models, strict=True))


def check_plot_path(path: Path) -> None:
    """Raises InputError unless the file name has the suffix of a plot format."""
    if path.suffix.lower() not in PLOT_SUFFIXES:
        raise InputError(f'{path}: give a file name that ends in {" or ".join(PLOT_SUFFIXES)}.')


def check_device(name: str) -> None:
    """Raises InputError unless the device exists on this machine."""
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f'--device {name}: not available on this machine ({reason}); use cpu.'
        ) from error
