"""Metrics beside those of the codebases."""
from .reassessed_labels import ReassessedLabels

__all__ = ['ReassessedLabels']
