"""Command-line arguments that the tools share, and reporting of errors."""

import argparse
import codecs
import contextlib
import functools
import itertools
import locale
import logging
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import DictAction
from mmengine.logging import MMLogger
from mmengine.visualization import Visualizer

from vitae_mm.environment import explain_missing
from vitae_mm.errors import InputError
from vitae_mm.fonts import use_fonts

from .distributed import process_rank
from .screen import file_handlers, hide_noise

PLOT_SUFFIXES = ('.png', '.pdf', '.svg')

REPORT_SECONDS = 5
"""How long other ranks wait for rank 0 to report an error that all ranks share."""

DEBUG = '--debug'

WORKER_TRACE = 'Original Traceback (most recent call last):'
"""In messages of errors that PyTorch passes on from data workers."""

LOST_PROCESS = ('Connection closed by peer', 'Connection reset by peer', 'ncclRemoteError')
"""In errors of processes whose peers have ended."""


def reports_input_errors(main: Callable[[], None]) -> Callable[[], None]:
    """Makes ``main`` end with one line about any error, once for all processes, and with the exit
    status of an :class:`InputError`, or 1.

    The traceback goes to the log file of the run and, with ``--debug``, to the screen. The line
    says where it is unless the error is an :class:`InputError`.
    """

    @functools.wraps(main)
    def wrapped() -> None:
        use_utf8()
        use_fonts()
        hide_noise()
        try:
            main()
        except Exception as error:
            # handlers print a traceback if they fail, for example on a full disk
            logging.raiseExceptions = False
            rank = process_rank()
            if rank or any(text in str(error) for text in LOST_PROCESS):
                time.sleep(REPORT_SECONDS)
            trace = ''.join(traceback.format_exception(error))
            files = log_trace(trace)
            if DEBUG in sys.argv:
                print(trace, file=sys.stderr)
            where = f' (rank {rank})' if rank else ''
            print(f'error{where}: {describe(error, files)}', file=sys.stderr, flush=True)
            close_trackers()
            # skip destructors, which would wait for the other ranks, but end the data workers
            for worker in multiprocessing.active_children():
                worker.kill()
            with contextlib.suppress(OSError):
                sys.stdout.flush()
            os._exit(getattr(error, 'exit_status', 1))

    return wrapped


def use_utf8() -> None:
    """Restarts Python in UTF-8 mode if the locale has another encoding, in which pycocotools and
    others would read annotation files."""
    encoding = locale.getpreferredencoding(False)
    if codecs.lookup(encoding).name == 'utf-8':
        return
    os.environ['PYTHONUTF8'] = '1'  # for processes that this one starts
    os.execv(sys.executable, [sys.executable, '-X', 'utf8', *sys.orig_argv[1:]])


def describe(error: Exception, log_files: Sequence[str] = ()) -> str:
    """Returns the message of an error in one line.

    Args:
        error: An error of this process, or one that PyTorch passes on from a data worker.
        log_files: Log files that contain its traceback.
    """
    kind, message = type(error).__name__, str(error)
    if WORKER_TRACE in message:
        # the line after the last frame, whose lines are indented
        last_frame = message.rpartition('\n  File "')[2].splitlines()
        lines = list(itertools.dropwhile(lambda line: line.startswith(' '), last_frame[1:]))
        path, _, message = '\n'.join(lines).partition(': ')
        kind = path.strip().rpartition('.')[2]
    message = ' '.join(message.split())
    if isinstance(error, InputError) or kind == InputError.__name__:
        return message
    if isinstance(error, ModuleNotFoundError) and (remedy := explain_missing(error.name)):
        return remedy
    place = f'its traceback is in {log_files[0]}' if log_files else f'{DEBUG} shows its traceback'
    return f'{kind}: {message} ({place})' if message else f'{kind} ({place})'


def log_trace(trace: str) -> list[str]:
    """Writes a traceback to the log file of the run, if there is one, and returns its path."""
    logger = MMLogger.get_current_instance()
    handlers = [handler for handler in file_handlers() if os.path.exists(handler.baseFilename)]
    for handler in handlers:
        handler.handle(
            logger.makeRecord(logger.name, logging.ERROR, __file__, 0, trace, (), None, 'main')
        )
    return [os.path.relpath(handler.baseFilename) for handler in handlers]


def close_trackers() -> None:
    """Writes what visualizers and loggers hold back; errors are ignored."""
    wandb: Any = sys.modules.get('wandb')
    if wandb is not None:
        # recent versions lack the method that mmengine calls
        with contextlib.suppress(Exception):
            wandb.finish(exit_code=1)
    for visualizer in Visualizer._instance_dict.values():
        for backend in visualizer._vis_backends.values():
            with contextlib.suppress(Exception):
                backend.close()
    for handler in MMLogger.get_current_instance().handlers:
        with contextlib.suppress(Exception):
            handler.flush()
    logging.shutdown()


def tool_parser(description: str | None, **options: Any) -> argparse.ArgumentParser:
    """Returns a parser for a tool, with ``--debug``.

    Args:
        description: Docstring of the tool.
        **options: Further options of the parser.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, **options
    )
    parser.add_argument(
        DEBUG, action='store_true', help='print the traceback of an error, not only its message'
    )
    return parser


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
