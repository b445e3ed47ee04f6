"""What a report shows of classification."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from mmengine.structures import BaseDataElement
from mmpretrain.evaluation import ConfusionMatrix
from mmpretrain.structures import DataSample

from .charts import draw_confusion
from .task import Judgment, Summary, Task


class ClassificationTask(Task):
    """Confusion matrix, accuracy by class, and wrong predictions, the most confident ones first."""

    scope = 'mmpretrain'
    truth = 'gt_label'

    def judge(
        self, indices: Sequence[int], samples: Sequence[BaseDataElement]
    ) -> list[Judgment | None]:
        return [self._judge(sample) for sample in samples]

    def _judge(self, sample: BaseDataElement) -> Judgment | None:
        label, scores = sample.get('gt_label'), sample.get('pred_score')
        # other tasks of mmpretrain, multiple labels, or no labels
        if label is None or label.numel() != 1 or scores is None:
            return None
        # not pred_label, which is that of one view if views are averaged
        true, predicted = int(label), int(scores.argmax())
        score = scores[predicted].item()
        caption = f'{self._name(predicted)}, {score:.2f}'
        if predicted == true:
            return Judgment(1.0, caption, (true, predicted))
        caption += f', instead of {self._name(true)}'
        return Judgment(1 - score, caption, (true, predicted))

    def _name(self, label: int) -> str:
        classes = self.dataset.metainfo.get('classes')
        return str(classes[label] if classes else label)

    def keep(self, sample: BaseDataElement) -> BaseDataElement:
        kept = DataSample(metainfo=sample.metainfo)
        kept.set_pred_score(sample.pred_score.cpu()).set_pred_label(
            sample.pred_score.argmax().cpu()
        )
        if 'gt_label' in sample:
            kept.set_gt_label(sample.gt_label.cpu())
        return kept

    def summarize(self, judgments: Mapping[int, Judgment]) -> Summary:
        if not judgments:
            return Summary(left_out=['no confusion matrix: the images have no single label each.'])
        true, predicted = np.array([judged.record for judged in judgments.values()]).T
        classes = self.dataset.metainfo.get('classes')
        size = len(classes) if classes else int(max(true.max(), predicted.max())) + 1
        matrix = ConfusionMatrix.calculate(
            torch.from_numpy(predicted), torch.from_numpy(true), num_classes=size
        ).numpy()
        names = [self._name(label) for label in range(size)]
        right = matrix.diagonal()
        with np.errstate(invalid='ignore'):
            recall, precision = right / matrix.sum(1), right / matrix.sum(0)
        columns = {
            'images': matrix.sum(1).astype(float),
            'accuracy': 100 * recall,
            'precision': 100 * precision,
        }
        return Summary(
            table={key: dict(zip(names, map(float, v), strict=True)) for key, v in columns.items()},
            charts={'confusion_matrix': draw_confusion(matrix, names, 'Confusion matrix')},
            data=dict(confusion_matrix=matrix.tolist()),
        )
