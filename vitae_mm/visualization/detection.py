"""Drawing detected instances."""

from typing import Any

import numpy as np
from mmdet.apis import DetInferencer
from mmdet.models import BaseDetector
from mmdet.visualization import DetLocalVisualizer
from mmengine.config import Config

from .inferencer import LoadedModelMixin
from .painter import Painter
from .picture_size import enlarge, scale_drawing


class LoadedDetInferencer(LoadedModelMixin, DetInferencer):
    """mmdet's inferencer with a loaded model."""


class InstanceVisualizer(DetLocalVisualizer):
    """mmdet's visualizer, with labels kept inside the picture."""

    def draw_texts(self, *args: Any, **kwargs: Any) -> 'InstanceVisualizer':
        super().draw_texts(*args, **kwargs)
        label = self.ax_save.texts[-1]
        x, y = label.get_position()
        extent = label.get_window_extent()
        label.set_position(
            (max(x - max(extent.x1 - self.width, 0), 0), max(y - max(-extent.y0, 0), 0))
        )
        return self


class InstancePainter(Painter):
    """Draws boxes, masks, classes and scores."""

    model_type = BaseDetector
    score_thr = 0.3

    def __init__(self, model: BaseDetector, cfg: Config):
        super().__init__(model, cfg)
        meta = model.dataset_meta
        if len(meta.get('palette') or ()) < len(meta['classes']):
            meta['palette'] = 'random'  # mmdet's default
        cfg.visualizer = dict(type=InstanceVisualizer, name='demo', alpha=0.5)
        self.inferencer = LoadedDetInferencer(cfg, model, show_progress=False)

    def paint(self, image: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        _, data = next(self.inferencer.preprocess([image]))
        sample = self.inferencer.forward(data)[0].cpu()
        prediction = self.inferencer.pred2dict(sample)
        classes = self.model.dataset_meta['classes']
        prediction['names'] = [classes[label] for label in prediction['labels']]
        picture, factor = enlarge(image)
        instances = sample.pred_instances
        instances.bboxes = instances.bboxes * factor
        if 'masks' in instances:
            masks = instances.masks.repeat_interleave(factor, 1)
            instances.masks = masks.repeat_interleave(factor, 2)
        visualizer = self.inferencer.visualizer
        scale_drawing(visualizer, picture)
        np.random.seed(0)  # for the same colors of masks in every frame
        visualizer.add_datasample(
            '', picture[..., ::-1], sample, draw_gt=False, pred_score_thr=self.score_thr
        )
        return visualizer.get_image()[..., ::-1], prediction
