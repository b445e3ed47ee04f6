"""Reports of tests: scores, charts, and pictures of predictions."""

from .hook import ReportHook
from .report import PAGE, Report, check_folder
from .screen import print_scores

__all__ = ['PAGE', 'Report', 'ReportHook', 'check_folder', 'print_scores']
