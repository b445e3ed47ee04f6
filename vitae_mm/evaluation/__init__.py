"""Metrics that the codebases lack."""

from .confusion import DetectionConfusionMatrix, SegmentationConfusionMatrix
from .reassessed_labels import ReassessedLabels

__all__ = ['DetectionConfusionMatrix', 'ReassessedLabels', 'SegmentationConfusionMatrix']
