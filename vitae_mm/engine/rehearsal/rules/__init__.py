"""Fast checks of files and options, before anything is built.

They stand here because their messages are better than those of the code that would fail later; what
the codebases find themselves is left to the rehearsal.
"""

from .coco import CocoSummary
from .data import check_data
from .model import check_autoencoder, check_start_weights, class_counts
from .sources import files_below
from .work_dir import (
    build_loader,
    check_loader,
    check_room,
    check_work_dir,
    checkpoint_bytes,
    forget_run,
    free_bytes,
    nearest_folder,
)

__all__ = [
    'CocoSummary',
    'build_loader',
    'check_autoencoder',
    'check_data',
    'check_loader',
    'check_room',
    'check_start_weights',
    'check_work_dir',
    'checkpoint_bytes',
    'class_counts',
    'files_below',
    'forget_run',
    'free_bytes',
    'nearest_folder',
]
