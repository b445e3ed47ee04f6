"""Metrics that the codebases do not have."""

from .confusion import DetectionConfusionMatrix, SegmentationConfusionMatrix
from .reassessed_labels import ReassessedLabels

__all__ = ['DetectionConfusionMatrix', 'ReassessedLabels', 'SegmentationConfusionMatrix']
