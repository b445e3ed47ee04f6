from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.apis import MMSegInferencer
from mmseg.models import BaseSegmentor

from .legend import add_legend, without_colours
from .loaded import LoadedModel
from .scale import enlarge


class Segmentor(LoadedModel, MMSegInferencer):
    """mmseg's inferencer."""


class MapPainter:
    """Colours the pixels by class, with a legend of the classes there are."""

    model_type = BaseSegmentor
    score_thr = None
    takes_boxes = False
    reads_pipeline = True

    def __init__(self, model: BaseSegmentor, cfg: Config):
        cfg.visualizer = dict(type='SegLocalVisualizer', name='demo', alpha=0.6)
        self.inferencer = Segmentor(cfg, model, show_progress=False)
        self.meta = model.dataset_meta
        self.inferencer.visualizer.set_dataset_meta(self.meta['classes'], self.meta['palette'])

    def paint(self, image: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        sample = self.inferencer.forward(next(self.inferencer.preprocess([image])))[0].cpu()
        classes = sample.pred_sem_seg.data  # (1, H, W)
        shares = _shares(classes.numpy(), self.meta['classes'])
        picture, factor = enlarge(image)
        sample.pred_sem_seg = PixelData(
            data=classes.repeat_interleave(factor, 1).repeat_interleave(factor, 2)
        )
        visualizer = self.inferencer.visualizer
        visualizer.add_datasample(
            '', without_colours(picture[..., ::-1]), sample, draw_gt=False, with_labels=False
        )
        colours = dict(zip(self.meta['classes'], self.meta['palette'], strict=True))
        return add_legend(visualizer.get_image()[..., ::-1], shares, colours), dict(shares=shares)


def _shares(classes: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """Share of the pixels that each class has, the largest first; those
    without are left out."""
    labels, counts = np.unique(classes, return_counts=True)
    order = (-counts).argsort(kind='stable')
    return {names[labels[i]]: float(counts[i] / classes.size) for i in order}
