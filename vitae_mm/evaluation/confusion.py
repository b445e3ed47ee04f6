"""Confusion matrices for mmdet and mmseg, which have no metric for them.

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
    """Confusion matrix of the boxes that overlap objects, for mmdet.

    In order of their scores, each box is matched with the unmatched object that it overlaps most,
    of any class. The last column counts unmatched objects, the last row unmatched boxes. Boxes in
    crowd regions are ignored. The data samples must have objects in the size of the original
    image: annotations are loaded after the image is resized.

    Args:
        score: Minimum score of a box. Default: .3.
        overlap: Minimum overlap (intersection over union) of a match. Default: .5.
        collect_device: 'cpu' or 'gpu', over which processes exchange results. Default: 'cpu'.
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
                and ``pred_instances`` (bboxes, labels, scores); boxes are (N, 4), left, top,
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
            overlaps: Of boxes, in order of their scores, with objects and then crowds, (N, M).
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
    """Confusion matrix of the pixels, for mmseg.

    Args:
        ignore_index: Label of pixels to ignore. Default: 255.
        collect_device: 'cpu' or 'gpu', over which processes exchange results. Default: 'cpu'.

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
            data_samples: Each with ``gt_sem_seg`` and ``pred_sem_seg``, whose data are (1, H, W).
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
    """Overlaps of boxes (N, 4) with objects and then crowds, (N, M): intersection over union, for
    crowds over the box."""
    regions = torch.cat([true, crowds])
    is_crowd = [0] * len(true) + [1] * len(crowds)
    corners = (boxes.double().cpu().numpy() for boxes in (found, regions))
    sides = [
        np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1) for boxes in corners
    ]
    return np.reshape(coco_mask.iou(*sides, is_crowd), (len(found), len(regions)))
