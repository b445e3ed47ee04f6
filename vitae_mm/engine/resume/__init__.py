"""Resuming a run: from which checkpoint, and how if its config has changed since."""

from .checkpoint import (
    check_resumable,
    last_checkpoint,
    report_finished,
    resume_as_rank_0,
    resume_from,
)
from .continuation import compare_run, find_position, follow_config
from .data_order import continue_data_order
from .differences import Difference, find_differences, read_config_text
from .moments import match_moments

__all__ = [
    'Difference',
    'check_resumable',
    'compare_run',
    'continue_data_order',
    'find_differences',
    'find_position',
    'follow_config',
    'last_checkpoint',
    'match_moments',
    'read_config_text',
    'report_finished',
    'resume_as_rank_0',
    'resume_from',
]
