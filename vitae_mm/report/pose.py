"""What a report shows of pose estimation."""

from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.structures import BaseDataElement, InstanceData
from mmpose.evaluation.functional import keypoint_pck_accuracy
from mmpose.structures import PoseDataSample, merge_data_samples

from .charts import draw_bars
from .task import Judgment, Summary, Task

THRESHOLD = 0.05
"""Default error of a correct keypoint, as a fraction of the longer side of the box."""


class PoseTask(Task):
    """Error and percentage of correct keypoints (PCK) by keypoint, and the poses with the largest
    error; errors are fractions of the longer side of the box."""

    scope = 'mmpose'
    truth = 'gt_instances'

    def judge(
        self, indices: Sequence[int], samples: Sequence[BaseDataElement]
    ) -> list[Judgment | None]:
        return [self._judge(sample) for sample in samples]

    def _judge(self, sample: BaseDataElement) -> Judgment | None:
        found, true = sample.pred_instances.keypoints, sample.gt_instances.keypoints
        visible = np.reshape(sample.gt_instances.keypoints_visible, (*true.shape[:2], -1))[..., 0]
        visible = visible.astype(bool)
        # models that find any number of poses, or boxes of a detector, which have no truth
        if found.shape != true.shape or len(true) != 1 or not visible.any():
            return None
        left, top, right, bottom = sample.gt_instances.bboxes[0]
        size = max(right - left, bottom - top)
        error = np.linalg.norm(found - true, axis=-1)[visible].mean() / size
        record = found[0], true[0], visible[0], size
        return Judgment(float(1 - error), f'mean error {100 * error:.1f} % of the box', record)

    def keep(self, sample: BaseDataElement) -> BaseDataElement:
        found, true = sample.pred_instances, sample.gt_instances
        kept = PoseDataSample(metainfo=sample.metainfo)
        kept.pred_instances = InstanceData(
            keypoints=found.keypoints, keypoint_scores=found.keypoint_scores, bboxes=found.bboxes
        )
        kept.gt_instances = InstanceData(
            keypoints=true.keypoints, keypoints_visible=true.keypoints_visible, bboxes=true.bboxes
        )
        return kept

    def choose(self, indices: set[int]) -> None:
        # whole images instead of single poses
        self.paths = {self.dataset.get_data_info(index)['img_path'] for index in indices}

    def is_chosen(self, index: int, sample: BaseDataElement) -> bool:
        return sample.get('img_path') in self.paths

    def group(self, samples: Mapping[int, BaseDataElement]) -> list[list[int]]:
        groups: dict[str, list[int]] = {}
        for index, sample in samples.items():
            groups.setdefault(sample.get('img_path') or str(index), []).append(index)
        return list(groups.values())

    def merge(self, samples: list[BaseDataElement]) -> BaseDataElement:
        return merge_data_samples(samples)

    def summarize(self, judgments: Mapping[int, Judgment]) -> Summary:
        if not judgments:
            return Summary(
                left_out=['no error by keypoint: there is not one true pose in each box.']
            )
        found, true, visible, size = map(
            np.array, zip(*(judged.record for judged in judgments.values()), strict=True)
        )
        names = self.dataset.metainfo.get('keypoint_id2name', {})
        names = [names.get(i, str(i)) for i in range(found.shape[1])]
        # other metrics take fractions of the head or the torso
        by_box = (metric for metric in self.metrics if 'bbox' in getattr(metric, 'norm_item', ()))
        threshold = next((metric.thr for metric in by_box), THRESHOLD)
        sizes = np.stack([size, size], axis=1)
        correct, *_ = keypoint_pck_accuracy(found, true, visible, threshold, sizes)
        errors = np.linalg.norm(found - true, axis=-1) / size[:, None]
        seen = visible.sum(0)
        with np.errstate(invalid='ignore'):
            mean = (errors * visible).sum(0) / seen
        columns = {
            'seen': seen.astype(float),
            f'PCK@{threshold:g}': np.where(seen > 0, correct, np.nan),
            'error': mean,
        }
        table = {key: dict(zip(names, map(float, v), strict=True)) for key, v in columns.items()}
        bars = {
            f'PCK@{threshold:g}': table[f'PCK@{threshold:g}'],
            'mean error, as a fraction of the box': table['error'],
        }
        return Summary(table, {'keypoints': draw_bars(bars, self.drawer.colors)})
