from typing import Any

import numpy as np
from mmdet.apis import DetInferencer
from mmdet.models import BaseDetector
from mmdet.structures import DetDataSample
from mmdet.visualization import DetLocalVisualizer
from mmengine.config import Config

from .loaded import LoadedModel
from .scale import enlarge, fit_points


class Detector(LoadedModel, DetInferencer):
    """mmdet's inferencer."""


class InstanceVisualizer(DetLocalVisualizer):
    """mmdet's visualizer, with labels that stay inside the picture."""

    def draw_texts(self, *args, **kwargs) -> 'InstanceVisualizer':
        super().draw_texts(*args, **kwargs)
        label = self.ax_save.texts[-1]
        x, y = label.get_position()
        extent = label.get_window_extent()
        label.set_position(
            (max(x - max(extent.x1 - self.width, 0), 0), max(y - max(-extent.y0, 0), 0))
        )
        return self


class InstancePainter:
    """Draws boxes, masks, classes and scores."""

    model_type = BaseDetector
    score_thr = 0.3
    takes_boxes = False
    reads_pipeline = True

    def __init__(self, model: BaseDetector, cfg: Config):
        meta = model.dataset_meta
        self.classes = meta['classes']
        if len(meta.get('palette') or ()) < len(self.classes):
            meta['palette'] = 'random'  # as mmdet does without one
        cfg.visualizer = dict(type=InstanceVisualizer, name='demo', alpha=0.5)
        self.inferencer = Detector(cfg, model, show_progress=False)

    def paint(self, image: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        _, data = next(self.inferencer.preprocess([image]))
        sample = self.inferencer.forward(data)[0].cpu()
        prediction = self.inferencer.pred2dict(sample)
        prediction['names'] = [self.classes[label] for label in prediction['labels']]
        picture, factor = enlarge(image)
        _enlarge_instances(sample, factor)
        visualizer = self.inferencer.visualizer
        fit_points(visualizer, picture)
        np.random.seed(0)  # it varies the colours of the masks: always the same way
        visualizer.add_datasample(
            '', picture[..., ::-1], sample, draw_gt=False, pred_score_thr=self.score_thr
        )
        return visualizer.get_image()[..., ::-1], prediction


def _enlarge_instances(sample: DetDataSample, factor: int) -> None:
    instances = sample.pred_instances
    instances.bboxes = instances.bboxes * factor
    if 'masks' in instances:
        instances.masks = instances.masks.repeat_interleave(factor, 1).repeat_interleave(factor, 2)
