"""Drawing segmentation maps."""

from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.apis import MMSegInferencer
from mmseg.models import BaseSegmentor

from .class_map import add_legend, gray_copy
from .inferencer import LoadedModelMixin
from .painter import Painter
from .picture_size import enlarge


class LoadedSegInferencer(LoadedModelMixin, MMSegInferencer):
    """mmseg's inferencer with a loaded model."""


class ClassMapPainter(Painter):
    """Colors the pixels by class, with a legend of the classes in the image."""

    model_type = BaseSegmentor

    def __init__(self, model: BaseSegmentor, cfg: Config):
        super().__init__(model, cfg)
        cfg.visualizer = dict(type='SegLocalVisualizer', name='demo', alpha=0.6)
        self.inferencer = LoadedSegInferencer(cfg, model)
        meta = model.dataset_meta
        self.inferencer.visualizer.set_dataset_meta(meta['classes'], meta['palette'])
        self.colors = dict(zip(meta['classes'], meta['palette'], strict=True))

    def paint(self, image: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        sample = self.inferencer.forward(next(self.inferencer.preprocess([image])))[0].cpu()
        classes = sample.pred_sem_seg.data  # (1, H, W)
        names = self.model.dataset_meta['classes']
        labels, counts = np.unique(classes.numpy(), return_counts=True)
        shares = {
            names[labels[i]]: float(counts[i] / counts.sum())
            for i in (-counts).argsort(kind='stable')
        }
        picture, factor = enlarge(image)
        sample.pred_sem_seg = PixelData(
            data=classes.repeat_interleave(factor, 1).repeat_interleave(factor, 2)
        )
        visualizer = self.inferencer.visualizer
        visualizer.add_datasample(
            '', gray_copy(picture[..., ::-1]), sample, draw_gt=False, with_labels=False
        )
        drawn = add_legend(visualizer.get_image()[..., ::-1], shares, self.colors)
        return drawn, dict(shares=shares)
