"""Comparing the anchors of a detector with the objects of its training images."""

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.model import is_model_wrapper
from torch import Tensor, nn

from .report import Report
from .samples import sample_indices

HALF = 0.5
"""Side of an object, in units of the smallest anchor's, below which no anchor fits: their IoU is at
most 1/4, where detectors take anchors as background (Faster R-CNN, Sec. 3.1.2: below 0.3)."""

MANY = 0.25
"""Share of such objects beyond which the report remarks on them. In COCO at 800x1333, about a tenth
have less than half the side of the usual anchors."""

SAMPLES = 50
"""Number of training images that are loaded, at most."""


def check_anchors(model: nn.Module, dataset: Any, report: Report) -> None:
    """Adds a remark if many objects are too small for all anchors; they would hardly be learned.

    Args:
        model: Model of a codebase. Those without anchors are skipped.
        dataset: Its training data, of which a sample is loaded.
        report: Changed in place.
    """
    smallest = _smallest_anchor(model)
    if smallest is None:
        return
    indices = sample_indices(len(dataset), SAMPLES)
    sides = torch.cat([_sides(dataset[index]) for index in indices])
    small = int((sides < HALF * smallest).sum())
    if small > MANY * len(sides):
        report.remarks.append(
            f'{small:,} of {len(sides):,} objects in {len(indices)} training images are smaller '
            f'than half of the smallest anchor (median side {sides.median():.0f} pixels, anchor '
            f'{smallest:.0f}), and would hardly be learned: lower scales of the anchor generator, '
            'or enlarge the images.'
        )


def _smallest_anchor(model: Any) -> float | None:
    """Returns the side of a square with the area of the smallest anchor, in pixels."""
    model = model.module if is_model_wrapper(model) else model
    for name in ('rpn_head', 'bbox_head'):
        generator = getattr(getattr(model, name, None), 'prior_generator', None)
        if levels := getattr(generator, 'base_anchors', None):
            left, top, right, bottom = torch.cat(levels).unbind(1)
            return float(((right - left) * (bottom - top)).min().sqrt())
    return None


def _sides(sample: Mapping) -> Tensor:
    """Returns the sides of squares with the areas of the boxes of a sample, (N,), in pixels."""
    instances = getattr(sample.get('data_samples'), 'gt_instances', {})
    boxes = instances.get('bboxes') if 'bboxes' in instances else None
    areas = getattr(boxes, 'areas', torch.empty(0))
    return areas.clamp(min=0).sqrt()
