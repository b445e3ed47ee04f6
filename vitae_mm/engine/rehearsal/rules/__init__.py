"""Checks of data, model and checkpoints before training starts."""

from .data import check_data
from .findings import Findings, check_training
from .loader import check_loader
from .start import check_start_weights
from .work_dir import check_room, check_work_dir, forget_run

__all__ = [
    'Findings',
    'check_data',
    'check_loader',
    'check_room',
    'check_start_weights',
    'check_training',
    'check_work_dir',
    'forget_run',
]
