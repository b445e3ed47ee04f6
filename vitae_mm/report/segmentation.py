"""What a report shows of semantic segmentation."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement, PixelData
from mmseg.evaluation import IoUMetric
from mmseg.structures import SegDataSample

from .charts import draw_bars
from .task import Judgment, Summary, Task


class SegmentationTask(Task):
    """IoU by class, as mmseg's metric computes it, and images with the lowest mean IoU."""

    scope = 'mmseg'
    truth = 'gt_sem_seg'

    def __init__(self, dataset: Any, metrics: Sequence[BaseMetric]):
        super().__init__(dataset, metrics)
        found = (metric for metric in metrics if isinstance(metric, IoUMetric))
        self.metric: Any = next((metric for metric in found if not metric.format_only), None)
        self.scores: dict[str, np.ndarray] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        if not self.metric:
            yield
            return
        compute = self.metric.total_area_to_metrics

        def recorded(*args: Any) -> dict[str, np.ndarray]:
            scores: dict[str, np.ndarray] = compute(*args)
            self.scores = {key: values for key, values in scores.items() if np.ndim(values)}
            return scores

        self.metric.total_area_to_metrics = recorded
        try:
            yield
        finally:
            del self.metric.total_area_to_metrics

    def judge(
        self, indices: Sequence[int], samples: Sequence[BaseDataElement]
    ) -> list[Judgment | None]:
        if not self.metric:
            return [None] * len(samples)
        judged: list[Judgment | None] = []
        for intersection, union, *_ in self.metric.results[-len(samples) :]:
            present = union > 0
            if present.any():
                quality = (intersection[present] / union[present]).mean().item()
                judged.append(Judgment(quality, f'mean IoU {100 * quality:.1f}'))
            else:
                judged.append(None)
        return judged

    def keep(self, sample: BaseDataElement) -> BaseDataElement:
        kept = SegDataSample(metainfo=sample.metainfo)
        for key in ('gt_sem_seg', 'pred_sem_seg'):
            if key in sample:
                labels = sample.get(key).data.cpu()
                small = torch.uint8 if labels.max() < 256 else torch.int32
                kept.set_field(PixelData(data=labels.to(small)), key)
        return kept

    def summarize(self, judgments: Mapping[int, Judgment]) -> Summary:
        names = list(self.drawer.colors)
        table = {
            key: dict(zip(names, (100 * values).tolist(), strict=True))
            for key, values in self.scores.items()
        }
        if 'IoU' not in table:
            sentence = (
                'no IoU by class: no metric computed it; add '
                "dict(type='IoUMetric', iou_metrics=['mIoU']) to test_evaluator."
            )
            return Summary(table, left_out=[sentence])
        return Summary(
            table, {'iou': draw_bars({'IoU in percent': table['IoU']}, self.drawer.colors)}
        )
