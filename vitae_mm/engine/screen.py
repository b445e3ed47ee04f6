"""What the tools show on the screen; the log file of a run has everything."""

import logging
import os
import re
import sys
import warnings
from typing import Any

import mmengine.runner.checkpoint
from mmengine.logging import MMLogger, print_log

from vitae_mm.hub import when_imported

QUIET = (
    *('mmcv', 'mmdet', 'mmengine', 'mmpose', 'mmpretrain', 'mmseg'),
    *('pycocotools', 'xtcocotools'),
)
"""Packages whose messages below a warning are written to the log file only."""

NOT_ACTIONABLE = (
    # mmengine, about calls in the codebases
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias of "LocalBackend"',
    'The prefix is not set in metric class',
    'is not a meta file, simply parsed as meta information',
    # mmengine, about what a model does not train
    'is skipped since its requires_grad=False',
    # mmengine, about predictions that reach beyond the image
    'is out of bounds, the drawn',
    # mmdet, about a metric that the config does not use
    'faster_coco_eval is not installed',
    # mmseg, about defaults of its own configs
    'Default ``avg_non_ignore`` is False',
    'The draw is False, it means that the hook for visualization',
    # PyTorch, about calls in the codebases
    'torch.meshgrid: in an upcoming release',
    '`torch.cuda.amp.autocast(args...)` is deprecated',
)
"""Parts of warnings of other packages that the user of a tool can do nothing about."""

PRINTING_MODULES = (
    'pycocotools.coco',
    'pycocotools.cocoeval',
    'xtcocotools.coco',
    'xtcocotools.cocoeval',
)
"""Modules that print what they do, which the log file gets instead."""


def hide_noise() -> None:
    """Hides the warnings of ``NOT_ACTIONABLE`` in this process, and what codebases that are not
    imported yet print for debugging, and control characters where the output is no terminal."""
    if not sys.stdout.isatty():
        # set in many CI systems and by Jupyter, they make rich move the cursor
        for name in ('FORCE_COLOR', 'TTY_COMPATIBLE'):
            os.environ.pop(name, None)
    for text in NOT_ACTIONABLE:
        warnings.filterwarnings('ignore', f'.*{re.escape(text)}')
    mmengine.logging.print_log = _print_log
    # imported by now, and it gives no logger
    mmengine.runner.checkpoint.print_log = _print_log
    for name in PRINTING_MODULES:
        when_imported(name, lambda module: vars(module).update(print=_log))


def file_handlers() -> list[logging.FileHandler]:
    """The handlers of the current logger that write to a file; none before there is a runner."""
    if not MMLogger._instance_dict:
        return []
    handlers = MMLogger.get_current_instance().handlers
    return [handler for handler in handlers if isinstance(handler, logging.FileHandler)]


def screen_handlers(logger: logging.Logger) -> list[logging.StreamHandler]:
    """The handlers of a logger of mmengine that write to the screen."""
    # a file handler is a stream handler, too
    return [handler for handler in logger.handlers if type(handler) is logging.StreamHandler]


def is_for_screen(record: logging.LogRecord) -> bool:
    """Whether a message of mmengine's logger is shown: warnings that a user can act on, and what
    the code of this package and of the user announces."""
    if record.levelno >= logging.WARNING:
        return not any(text in record.getMessage() for text in NOT_ACTIONABLE)
    return _calling_package() not in QUIET


def quiet(logger: logging.Logger) -> None:
    """Makes a logger of mmengine show only what :func:`is_for_screen`."""
    for handler in screen_handlers(logger):
        handler.addFilter(is_for_screen)
        handler.setFormatter(_PlainFormatter())


class _PlainFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        level = f'{record.levelname.lower()}: ' if record.levelno >= logging.WARNING else ''
        return level + record.getMessage()


def _calling_package() -> str:
    """The package that called the logger."""
    frame = sys._getframe(1)
    while frame.f_back:
        frame = frame.f_back
        name = frame.f_globals.get('__name__', '')
        if name not in (__name__, 'logging', 'mmengine.logging.logger'):
            return name.partition('.')[0]
    return ''


def _print_log(msg: object, logger: Any = None, level: int = logging.INFO) -> None:
    """mmengine's function, which without a logger prints messages of every level."""
    if logger is None and _calling_package() in QUIET:
        if level < logging.INFO:
            return
        logger = 'current' if file_handlers() else None
    print_log(msg, logger, level)


def _log(*values: object, **_: Any) -> None:
    if file_handlers():
        print_log(' '.join(map(str, values)), 'current')
