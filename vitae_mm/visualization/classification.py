"""Drawing classes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.structures import BaseDataElement
from mmpretrain.apis import ImageClassificationInferencer
from mmpretrain.models import BaseClassifier
from mmpretrain.visualization import UniversalVisualizer

from .drawer import Drawer
from .painter import Painter
from .picture_size import enlarge

PIXELS_PER_POINT = 32
"""Short edge of a picture per point of the font size."""


class ClassDrawer(Drawer):
    """Writes the most likely class and its score, and the true class above it if asked for; then
    the background is green if they are the same and red if not."""

    side_by_side = False

    def __init__(self, meta: Mapping[str, Any]):
        super().__init__(meta)
        self.classes = meta.get('classes')
        self.visualizer = UniversalVisualizer()

    def draw(self, image: np.ndarray, sample: BaseDataElement, truth: bool = False) -> np.ndarray:
        picture, _ = enlarge(image)
        # the default font size has a maximum, and long names would not fit
        text: dict[str, Any] = dict(size=min(picture.shape[:2]) / PIXELS_PER_POINT, wrap=True)
        if truth and 'pred_label' in sample and 'gt_label' in sample:
            right = sample.pred_label.tolist() == sample.gt_label.tolist()
            color = 'darkgreen' if right else 'firebrick'
            text['bbox'] = dict(facecolor=color, alpha=0.8, boxstyle='Round')
        drawn = self.visualizer.visualize_cls(
            picture[..., ::-1], sample, self.classes, draw_gt=truth, text_cfg=text
        )
        return drawn[..., ::-1]


class ClassPainter(Painter):
    """Predicts the most likely class and its score."""

    model_type = BaseClassifier
    drawer_type = ClassDrawer

    def __init__(self, model: BaseClassifier, cfg: Config):
        super().__init__(model, cfg)
        # mmpretrain's inferencer reads these attributes
        model._config, model._dataset_meta = cfg, model.dataset_meta
        self.inferencer = ImageClassificationInferencer(model)

    def paint(self, image: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        inferencer = self.inferencer
        samples = inferencer.forward(next(inferencer.preprocess([image])))
        prediction = inferencer.postprocess(samples, [])[0]
        del prediction['pred_scores']  # the scores of all classes
        return self.drawer.draw(image, samples[0]), prediction
