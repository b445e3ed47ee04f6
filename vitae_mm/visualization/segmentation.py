"""Drawing segmentation maps."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.structures import BaseDataElement, PixelData
from mmseg.apis import MMSegInferencer
from mmseg.models import BaseSegmentor
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer

from .class_map import add_legend, gray_copy
from .drawer import Drawer
from .inferencer import LoadedModelMixin
from .painter import Painter
from .palette import class_colors
from .picture_size import enlarge


class LoadedSegInferencer(LoadedModelMixin, MMSegInferencer):
    """mmseg's inferencer with a loaded model."""


class ClassMapDrawer(Drawer):
    """Colors the pixels by class over a gray image; ignored pixels are dark."""

    def __init__(self, meta: Mapping[str, Any]):
        super().__init__(meta)
        self.colors = class_colors(meta)
        self.visualizer = SegLocalVisualizer(alpha=0.6)
        self.visualizer.set_dataset_meta(list(self.colors), list(self.colors.values()))

    def draw(self, image: np.ndarray, sample: BaseDataElement, truth: bool = False) -> np.ndarray:
        picture, factor = enlarge(image)
        classes = (sample.gt_sem_seg if truth else sample.pred_sem_seg).data
        classes = PixelData(data=classes.repeat_interleave(factor, 1).repeat_interleave(factor, 2))
        self.visualizer.add_datasample(
            '',
            gray_copy(picture[..., ::-1]),
            SegDataSample(gt_sem_seg=classes) if truth else SegDataSample(pred_sem_seg=classes),
            with_labels=False,
        )
        return self.visualizer.get_image()[..., ::-1]


class ClassMapPainter(Painter):
    """Predicts a map of classes, and draws it with a legend of the classes in it."""

    model_type = BaseSegmentor
    drawer_type = ClassMapDrawer

    def __init__(self, model: BaseSegmentor, cfg: Config):
        super().__init__(model, cfg)
        cfg.visualizer = dict(type=SegLocalVisualizer, name='demo')  # which mmseg requires
        self.inferencer = LoadedSegInferencer(cfg, model)

    def paint(self, image: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        sample = self.inferencer.forward(next(self.inferencer.preprocess([image])))[0].cpu()
        names = list(self.drawer.colors)
        labels, counts = np.unique(sample.pred_sem_seg.data.numpy(), return_counts=True)
        shares = {
            names[labels[i]]: float(counts[i] / counts.sum())
            for i in (-counts).argsort(kind='stable')
        }
        drawn = add_legend(self.drawer.draw(image, sample), shares, self.drawer.colors)
        return drawn, dict(shares=shares)
