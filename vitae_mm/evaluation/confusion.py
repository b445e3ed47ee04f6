"""Confusion matrices for mmdet and mmseg, which lack them.

Like mmpretrain's ``ConfusionMatrix``, these return ``confusion_matrix/result``: counts, with a row
for each true class and a column for each predicted class.
"""

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from pycocotools import mask as coco_mask

from vitae_mm.errors import InputError
from vitae_mm.registry import METRICS


@METRICS.register_module()
class DetectionConfusionMatrix(BaseMetric):
    """Confusion matrix of boxes matched with objects, for mmdet.

    In descending order of score, each box is matched with the unmatched object of any class that
    it overlaps most. The last column counts unmatched objects, the last row unmatched boxes. Boxes
    in crowd regions are ignored. The objects in the data samples must have the scale of the
    original image, so the pipeline must load annotations after resizing.

    Args:
        score: Minimum score of a box. Default: .3.
        overlap: Minimum overlap (intersection over union) of a match. Default: .5.
        collect_device: Device for gathering results, 'cpu' or 'gpu'. Default: 'cpu'.
    """

    default_prefix = 'confusion_matrix'

    def __init__(
        self, score: float = 0.3, overlap: float = 0.5, collect_device: str = 'cpu'
    ) -> None:
        super().__init__(collect_device=collect_device)
        self.score = score
        self.overlap = overlap

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Matches boxes with objects in each image.

        Args:
            data_batch: Unused.
            data_samples: Each with ``gt_instances`` and ``ignored_instances`` (bboxes, labels)
                and ``pred_instances`` (bboxes, labels, scores). Boxes are (N, 4): left, top,
                right, bottom.
        """
        for sample in data_samples:
            found, true = sample['pred_instances'], sample['gt_instances']
            order = found['scores'].argsort(descending=True, stable=True)
            order = order[found['scores'][order] >= self.score]
            overlaps = _overlaps(
                found['bboxes'][order], true['bboxes'], sample['ignored_instances']['bboxes']
            )
            self.results.append(
                self._match(overlaps, found['labels'][order].tolist(), true['labels'].tolist())
            )

    def compute_metrics(self, results: list[list[tuple[int, int]]]) -> dict[str, torch.Tensor]:
        size = len(self.dataset_meta['classes']) + 1
        matrix = torch.zeros(size, size, dtype=torch.int64)
        for pairs in results:
            for true, predicted in pairs:
                matrix[true, predicted] += 1
        return dict(result=matrix)

    def _match(
        self, overlaps: np.ndarray, found: list[int], true: list[int]
    ) -> list[tuple[int, int]]:
        """True and predicted class of each match, unmatched box and unmatched object.

        Args:
            overlaps: Overlaps (N, M) of boxes, in order of score, with objects and then crowds.
            found: Classes of the boxes, N.
            true: Classes of the objects, at most M.
        """
        background = len(self.dataset_meta['classes'])
        pairs, unmatched = [], set(range(len(true)))
        for label, row in zip(found, overlaps, strict=True):
            best = max(unmatched, key=row.__getitem__, default=None)
            if best is not None and row[best] >= self.overlap:
                unmatched.remove(best)
                pairs.append((true[best], label))
            elif not (row[len(true) :] >= self.overlap).any():
                pairs.append((background, label))
        return pairs + [(true[index], background) for index in sorted(unmatched)]


@METRICS.register_module()
class SegmentationConfusionMatrix(BaseMetric):
    """Confusion matrix of pixels, for mmseg.

    Args:
        ignore_index: Label of pixels to ignore. Default: 255.
        collect_device: Device for gathering results, 'cpu' or 'gpu'. Default: 'cpu'.

    Raises:
        InputError: During evaluation, if a label is not one of the classes.
    """

    default_prefix = 'confusion_matrix'

    def __init__(self, ignore_index: int = 255, collect_device: str = 'cpu') -> None:
        super().__init__(collect_device=collect_device)
        self.ignore_index = ignore_index

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Counts the pixels of each pair of classes in each image.

        Args:
            data_batch: Unused.
            data_samples: Each with ``gt_sem_seg`` and ``pred_sem_seg``, with data (1, H, W).
        """
        classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            true = sample['gt_sem_seg']['data'].cpu().flatten().long()
            predicted = sample['pred_sem_seg']['data'].cpu().flatten().long()
            kept = true != self.ignore_index
            if (true[kept] >= classes).any():
                raise InputError(
                    f'{sample.get("seg_map_path")} has the label {true[kept].max()}, but there '
                    f'are {classes} classes, 0 to {classes - 1}: fix the class map.'
                )
            counts = torch.bincount(classes * true[kept] + predicted[kept])
            # an image has only a few pairs of classes
            pairs = counts.nonzero()[:, 0]
            self.results.append((pairs, counts[pairs]))

    def compute_metrics(
        self, results: list[tuple[torch.Tensor, torch.Tensor]]
    ) -> dict[str, torch.Tensor]:
        classes = len(self.dataset_meta['classes'])
        matrix = torch.zeros(classes**2, dtype=torch.int64)
        for pairs, counts in results:
            matrix[pairs] += counts
        return dict(result=matrix.view(classes, classes))


def _overlaps(found: torch.Tensor, true: torch.Tensor, crowds: torch.Tensor) -> np.ndarray:
    """Overlaps (N, M) of boxes (N, 4) with objects and then crowds: intersection over union, for
    crowds intersection over box area."""
    regions = torch.cat([true, crowds])
    is_crowd = [0] * len(true) + [1] * len(crowds)
    corners = (boxes.double().cpu().numpy() for boxes in (found, regions))
    sides = [
        np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1) for boxes in corners
    ]
    return np.reshape(coco_mask.iou(*sides, is_crowd), (len(found), len(regions)))
