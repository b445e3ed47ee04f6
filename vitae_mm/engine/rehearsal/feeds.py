"""How the metrics of each codebase are fed with perfect predictions, and what they score then."""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.structures import InstanceData, PixelData


@dataclass(frozen=True)
class Scale:
    """How a metric scores perfect predictions.

    Attributes:
        keys: Pattern of the names of the scores that are judged.
        best: The perfect score.
    """

    keys: str
    best: float


Relabel = Callable[[int], int]
"""Maps a label of the dataset to the one that training teaches for its class."""


@dataclass(frozen=True)
class Feed:
    """The metrics of a codebase that can be fed.

    Attributes:
        scales: Metrics and how they score perfect predictions; their subclasses are unknown.
        predict: Puts perfect predictions into a data sample, given the content of the dataset's
            entry, the labels that training teaches, and the number of classes.
    """

    scales: Mapping[type, Scale]
    predict: Callable[[Any, Mapping, Relabel, int], None]


def find_feed(metrics: Iterable[BaseMetric]) -> Feed | None:
    """Returns the feed of the first known codebase that defines one of the metrics."""
    packages = [type(metric).__module__.partition('.')[0] for metric in metrics]
    return next((FEEDS[package]() for package in packages if package in FEEDS), None)


def _mmpretrain() -> Feed:
    from mmpretrain.evaluation import Accuracy

    return Feed({Accuracy: Scale('accuracy/top', 100)}, _classify)


def _classify(sample: Any, _: Mapping, relabel: Relabel, classes: int) -> None:
    labels = torch.tensor([relabel(label) for label in sample.gt_label.tolist()])
    scores = torch.zeros(max(classes, int(labels.max()) + 1))
    scores[labels] = 1
    sample.set_pred_label(labels).set_pred_score(scores)


def _mmdet() -> Feed:
    from mmdet.evaluation import CocoMetric, VOCMetric

    return Feed(
        {CocoMetric: Scale(r'(bbox|segm)_mAP$|_precision$', 1), VOCMetric: Scale(r'mAP$', 1)},
        _detect,
    )


def _detect(sample: Any, info: Mapping, relabel: Relabel, _: int) -> None:
    """In pixels of the original image, to which detectors scale their predictions."""
    from mmdet.datasets.transforms import LoadAnnotations

    # the keys of an image without a class map, as mmdet's transform reads them
    content = {**info, 'img_shape': sample.ori_shape, 'ori_shape': sample.ori_shape}
    masked = any(instance.get('mask') for instance in info['instances'])
    loaded = LoadAnnotations(with_mask=masked, box_type=None)(content)
    used = ~loaded['gt_ignore_flags']
    labels = [relabel(label) for label in loaded['gt_bboxes_labels'][used].tolist()]
    predictions = InstanceData(
        bboxes=torch.from_numpy(loaded['gt_bboxes'][used].reshape(-1, 4)),
        labels=torch.tensor(labels, dtype=torch.int64),
        scores=torch.ones(len(labels)),
    )
    if masked:
        predictions.masks = torch.from_numpy(loaded['gt_masks'].masks[used].astype(bool))
    elif not info['instances']:
        predictions.masks = torch.zeros(0, *sample.ori_shape[:2], dtype=torch.bool)
    sample.pred_instances = predictions


def _mmseg() -> Feed:
    from mmseg.evaluation import IoUMetric

    return Feed({IoUMetric: Scale('', 100)}, _segment)


def _segment(sample: Any, _: Mapping, relabel: Relabel, __: int) -> None:
    table = torch.tensor([relabel(label) for label in range(256)])
    sample.pred_sem_seg = PixelData(data=table[sample.gt_sem_seg.data.long()])


def _mmpose() -> Feed:
    from mmpose.evaluation.metrics import EPE, NME, CocoMetric, PCKAccuracy

    return Feed(
        {
            CocoMetric: Scale(r'(^|/)AP$', 1),
            PCKAccuracy: Scale('PCK', 1),
            EPE: Scale('EPE', 0),
            NME: Scale('NME', 0),
        },
        _estimate_pose,
    )


def _estimate_pose(sample: Any, _: Mapping, __: Relabel, ___: int) -> None:
    truth = sample.gt_instances
    sample.pred_instances = InstanceData(
        keypoints=copy.deepcopy(truth.keypoints),
        keypoint_scores=np.ones(np.shape(truth.keypoints)[:2]),
    )


FEEDS: dict[str, Callable[[], Feed]] = dict(
    mmdet=_mmdet, mmseg=_mmseg, mmpose=_mmpose, mmpretrain=_mmpretrain
)
