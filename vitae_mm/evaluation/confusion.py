"""Confusion matrices where mmdet and mmseg have no metric for one.

As mmpretrain's ``ConfusionMatrix`` they give ``confusion_matrix/result``:
counts, a row for each true class, a column for each predicted one.
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
    """Which class the boxes found on objects of each class have, for mmdet.

    From the surest box down, each takes the object that it overlaps most of
    those left, whatever the classes. The last column counts the objects that
    no box took, the last row the boxes that took none; boxes in regions marked
    as crowds are left out. The data samples need the objects at the size of
    the original image: annotations are loaded after the image is resized.

    Args:
        score: Boxes less sure than this are left out. Default: .3.
        overlap: A box takes no object that it overlaps less than this
            (intersection over union). Default: .5.
        collect_device: 'cpu' or 'gpu', over which processes exchange results.
            Default: 'cpu'.
    """

    default_prefix = 'confusion_matrix'

    def __init__(
        self, score: float = 0.3, overlap: float = 0.5, collect_device: str = 'cpu'
    ) -> None:
        super().__init__(collect_device=collect_device)
        self.score = score
        self.overlap = overlap

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Matches boxes and objects of each image.

        Args:
            data_batch: Not looked at.
            data_samples: Each with ``gt_instances`` and ``ignored_instances``
                (bboxes, labels) and ``pred_instances`` (bboxes, labels,
                scores); boxes are (N, 4), left, top, right, bottom.
        """
        background = len(self.dataset_meta['classes'])
        for sample in data_samples:
            found, true = sample['pred_instances'], sample['gt_instances']
            sure = found['scores'] >= self.score
            order = found['scores'][sure].argsort(descending=True, stable=True)
            labels = found['labels'][sure][order].tolist()
            crowds = sample['ignored_instances']['bboxes']
            overlaps = _overlaps(found['bboxes'][sure][order], true['bboxes'], crowds)
            self.results.append(
                _pairs(overlaps, self.overlap, labels, true['labels'].tolist(), background)
            )

    def compute_metrics(self, results: list[list[tuple[int, int]]]) -> dict[str, torch.Tensor]:
        size = len(self.dataset_meta['classes']) + 1
        matrix = torch.zeros(size, size, dtype=torch.int64)
        for pairs in results:
            for true, predicted in pairs:
                matrix[true, predicted] += 1
        return dict(result=matrix)


@METRICS.register_module()
class SegmentationConfusionMatrix(BaseMetric):
    """Which class the pixels of each class were given, for mmseg.

    Args:
        ignore_index: Pixels with this label are left out. Default: 255.
        collect_device: 'cpu' or 'gpu', over which processes exchange results.
            Default: 'cpu'.

    Raises:
        InputError: While it is used, if a label is none of the classes.
    """

    default_prefix = 'confusion_matrix'

    def __init__(self, ignore_index: int = 255, collect_device: str = 'cpu') -> None:
        super().__init__(collect_device=collect_device)
        self.ignore_index = ignore_index

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Counts the pixels of each image, of each pair of classes.

        Args:
            data_batch: Not looked at.
            data_samples: Each with ``gt_sem_seg`` and ``pred_sem_seg``, whose
                data are (1, H, W).
        """
        classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            true = sample['gt_sem_seg']['data'].cpu().flatten().long()
            predicted = sample['pred_sem_seg']['data'].cpu().flatten().long()
            kept = true != self.ignore_index
            if (true[kept] >= classes).any():
                raise InputError(
                    f'{sample.get("seg_map_path")} has the label {true[kept].max()}, but there '
                    f'are {classes} classes, 0 to {classes - 1}: mend the label map.'
                )
            counts = torch.bincount(classes * true[kept] + predicted[kept])
            # of many classes few are in an image
            cells = counts.nonzero()[:, 0]
            self.results.append((cells, counts[cells]))

    def compute_metrics(
        self, results: list[tuple[torch.Tensor, torch.Tensor]]
    ) -> dict[str, torch.Tensor]:
        classes = len(self.dataset_meta['classes'])
        matrix = torch.zeros(classes**2, dtype=torch.int64)
        for cells, counts in results:
            matrix[cells] += counts
        return dict(result=matrix.view(classes, classes))


def _overlaps(found: torch.Tensor, true: torch.Tensor, crowds: torch.Tensor) -> np.ndarray:
    """Of boxes found (N, 4) with objects and then crowds, (N, M): intersection
    over union, with a crowd over the box found."""
    regions = torch.cat([true, crowds])
    crowded = [0] * len(true) + [1] * len(crowds)
    corners = (boxes.double().cpu().numpy() for boxes in (found, regions))
    sides = [
        np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1) for boxes in corners
    ]
    return np.reshape(coco_mask.iou(*sides, crowded), (len(found), len(regions)))


def _pairs(
    overlaps: np.ndarray, least: float, found: list[int], true: list[int], background: int
) -> list[tuple[int, int]]:
    """True and predicted class of each match and of all that has none.

    Args:
        overlaps: Of boxes, the surest first, with objects and then crowds,
            (N, M).
        least: What does not overlap as much does not match.
        found: Classes of the boxes, N.
        true: Classes of the objects, at most M.
        background: Class of what has no match.
    """
    pairs, left = [], set(range(len(true)))
    for label, row in zip(found, overlaps, strict=True):
        best = max(left, key=row.__getitem__, default=None)
        if best is not None and row[best] >= least:
            left.remove(best)
            pairs.append((true[best], label))
        elif not (row[len(true) :] >= least).any():
            pairs.append((background, label))
    return pairs + [(true[index], background) for index in sorted(left)]
