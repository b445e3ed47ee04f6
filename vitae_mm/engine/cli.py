"""Command lines: options to config, and errors a user can mend."""

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

PICTURES = ('.png', '.pdf', '.svg')
"""Kinds of files that plots are written to."""

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
            rank = process_rank()
            if rank:
                time.sleep(PATIENCE)
            where = f' (rank {rank})' if rank else ''
            # of a data worker it comes with its traceback
            message = str(error).rpartition('InputError: ')[2].strip()
            print(f'error{where}: {message}', file=sys.stderr, flush=True)
            # skips destructors that would wait for the other ranks
            sys.stdout.flush()
            os._exit(1)

    return wrapped


def add_common_arguments(parser: argparse.ArgumentParser, scripts: str) -> None:
    """Arguments that training and testing share; ``scripts`` names the shell
    scripts that start them."""
    add_trust_argument(parser)
    add_config_argument(parser)
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm'], default='none', help=f'set by {scripts}'
    )
    # some launchers pass it; the environment says it too
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def add_trust_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--trust',
        action='store_true',
        help='unpickle anything in a checkpoint; code hidden in it would run',
    )


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """What :func:`load_config` takes as ``overrides``."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='override config entries, e.g. train_dataloader.batch_size=4',
    )


def add_device_argument(parser: argparse.ArgumentParser) -> None:
    """What :func:`check_device` checks."""
    parser.add_argument(
        '--device',
        default='cuda' if torch.cuda.is_available() else 'cpu',
        help='default: cuda if there is a GPU, else cpu',
    )


def add_models_arguments(parser: argparse.ArgumentParser) -> None:
    """A model with its weights, others to compare with it (:func:`name_models`),
    and how they are loaded."""
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='a checkpoint that training wrote, or a converted one')
    parser.add_argument(
        '--compare',
        nargs=2,
        action='append',
        default=[],
        metavar=('CONFIG', 'CHECKPOINT'),
        help='another model beside the first; again for each',
    )
    parser.add_argument(
        '--labels', nargs='+', help='one for each model; default: the name of its config'
    )
    add_device_argument(parser)
    add_trust_argument(parser)
    add_config_argument(parser)


def name_models(args: argparse.Namespace) -> dict[str, tuple[str, str]]:
    """Config and checkpoint of each model, by its label.

    Raises:
        InputError: Unless there is one label for each, all different.
    """
    pairs = [(args.config, args.checkpoint), *map(tuple, args.compare)]
    labels = args.labels or [Path(config).stem for config, _ in pairs]
    if len(labels) != len(pairs) or len(set(labels)) < len(labels):
        raise InputError(
            f'labels {labels}: give --labels, another one for each of the {len(pairs)} models.'
        )
    return dict(zip(labels, pairs))


def check_picture(path: Path) -> None:
    """Raises InputError unless a plot can be written to a file of this name."""
    if path.suffix.lower() not in PICTURES:
        raise InputError(f'{path}: give the name of a picture, {" or ".join(PICTURES)}.')


def check_device(name: str) -> None:
    """Raises InputError unless a ``--device`` of this name is there."""
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f'--device {name}: not on this machine ({reason}); give cpu.') from error
