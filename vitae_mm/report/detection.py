"""What a report shows of detection."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmdet.datasets.transforms import LoadAnnotations
from mmdet.structures import DetDataSample
from mmdet.structures.mask import encode_mask_results
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement, InstanceData
from pycocotools.cocoeval import COCOeval

from vitae_mm.evaluation import DetectionConfusionMatrix

from .charts import draw_bars, draw_curves
from .task import Judgment, Summary, Task, shape_of

KINDS = dict(bbox='boxes', segm='masks')

MIN_SCORE = 0.5
"""Minimum score of objects that are drawn and judged."""


class DetectionTask(Task):
    """Precision-recall curves and average precision by class, as COCO's evaluation computes them,
    and images with missed, extra or wrong objects."""

    scope = 'mmdet'
    truth = 'gt_instances'

    def __init__(self, dataset: Any, metrics: Sequence[BaseMetric]):
        super().__init__(dataset, metrics)
        self.precisions: dict[str, dict[str, np.ndarray]] = {}
        self.recall = np.empty(0)
        self.drawer.score_thr = MIN_SCORE
        self.matching = DetectionConfusionMatrix(score=MIN_SCORE)
        self.matching.dataset_meta = dataset.metainfo

    @contextmanager
    def listening(self) -> Iterator[None]:
        accumulate = COCOeval.accumulate

        def recorded(evaluation: COCOeval, *args: Any) -> None:
            accumulate(evaluation, *args)
            params = evaluation.params
            if params.useCats:  # otherwise it evaluates proposals
                # (IoU thresholds, recalls, classes) of any size, and the largest number of boxes
                precision = evaluation.eval['precision'][..., 0, -1]
                classes = evaluation.cocoGt.loadCats(params.catIds)
                self.recall = params.recThrs
                self.precisions[params.iouType] = {
                    entry['name']: precision[:, :, i] for i, entry in enumerate(classes)
                }

        COCOeval.accumulate = recorded
        try:
            yield
        finally:
            COCOeval.accumulate = accumulate

    def judge(
        self, indices: Sequence[int], samples: Sequence[BaseDataElement]
    ) -> list[Judgment | None]:
        return [self._judge(*entry) for entry in zip(indices, samples, strict=True)]

    def _judge(self, index: int, sample: BaseDataElement) -> Judgment:
        objects = self.dataset.get_data_info(index)['instances']
        entries = dict(pred_instances=sample.pred_instances.cpu())
        for key, ignored in (('gt_instances', False), ('ignored_instances', True)):
            chosen = [entry for entry in objects if bool(entry.get('ignore_flag')) == ignored]
            boxes = torch.tensor([entry['bbox'] for entry in chosen]).view(-1, 4)
            labels = torch.tensor([entry['bbox_label'] for entry in chosen], dtype=torch.long)
            entries[key] = dict(bboxes=boxes, labels=labels)
        self.matching.process(None, [entries])
        pairs = self.matching.results.pop()
        background = len(self.dataset.metainfo['classes'])
        right = sum(true == found for true, found in pairs)
        missed = sum(found == background for _, found in pairs)
        extra = sum(true == background for true, _ in pairs)
        wrong = len(pairs) - right - missed - extra
        parts = [f'{right} of {right + wrong + missed} right']
        for number, text in ((wrong, 'with a wrong class'), (missed, 'missed'), (extra, 'extra')):
            if number:
                parts.append(f'{number} {text}')
        # the F1 score
        quality = 2 * right / (len(pairs) + right + wrong) if pairs else 1.0
        return Judgment(quality, ', '.join(parts))

    def keep(self, sample: BaseDataElement) -> BaseDataElement:
        found = sample.pred_instances.cpu()
        found = found[found.scores > self.drawer.score_thr]
        boxes = found.bboxes
        kept = InstanceData(
            bboxes=boxes if isinstance(boxes, torch.Tensor) else boxes.tensor,
            labels=found.labels,
            scores=found.scores,
        )
        if 'masks' in found:
            masks = found.masks
            if isinstance(masks, torch.Tensor):
                masks = encode_mask_results(masks.numpy())  # which are a hundredth of the size
            kept.masks = masks
        return DetDataSample(pred_instances=kept, metainfo=sample.metainfo)

    def with_truth(self, index: int, sample: BaseDataElement) -> BaseDataElement:
        info = self.dataset.get_data_info(index)
        info['ori_shape'] = shape_of(sample)
        info['instances'] = [entry for entry in info['instances'] if not entry.get('ignore_flag')]
        with_mask = 'masks' in sample.pred_instances and all(
            'mask' in entry for entry in info['instances']
        )
        loaded = LoadAnnotations(with_bbox=True, with_mask=with_mask)(info)
        truth = InstanceData(
            bboxes=loaded['gt_bboxes'].tensor, labels=torch.from_numpy(loaded['gt_bboxes_labels'])
        )
        if with_mask:
            truth.masks = loaded['gt_masks']
        drawn = sample.clone()
        drawn.gt_instances = truth
        return drawn

    def summarize(self, judgments: Mapping[int, Judgment]) -> Summary:
        summary = Summary()
        if not self.precisions:
            summary.left_out.append(
                'no precision-recall curves: no metric evaluated classes as COCO does; add '
                "dict(type='CocoMetric', ...) to test_evaluator."
            )
        for kind, classes in self.precisions.items():
            at_half = {name: precision[0] for name, precision in classes.items()}
            summary.table[f'{kind}_AP'] = {
                name: _average(precision) for name, precision in classes.items()
            }
            summary.table[f'{kind}_AP50'] = {
                name: _average(precision) for name, precision in at_half.items()
            }
            colors = self.drawer.colors
            what = KINDS.get(kind, kind)
            summary.charts[f'precision_recall_{kind}'] = draw_curves(
                at_half,
                self.recall,
                colors=colors,
                title=f'Precision and recall of {what}, IoU 0.5',
            )
            bars = {f'average precision of {what}': summary.table[f'{kind}_AP']}
            summary.charts[f'average_precision_{kind}'] = draw_bars(bars, colors)
            summary.data[f'precision_recall_{kind}'] = dict(
                recall=self.recall.tolist(),
                precision={name: curve.tolist() for name, curve in at_half.items()},
            )
        return summary


def _average(precision: np.ndarray) -> float:
    """Mean of the valid precisions; nan if there are none, as for classes without objects."""
    valid = precision[precision > -1]
    return float(valid.mean()) if len(valid) else float('nan')
