"""Drawing predicted classes."""

from typing import Any

import numpy as np
from mmengine.config import Config
from mmpretrain.apis import ImageClassificationInferencer
from mmpretrain.models import BaseClassifier
from mmpretrain.visualization import UniversalVisualizer

from .painter import Painter
from .picture_size import enlarge

PIXELS_PER_POINT = 32
"""Short edge of a picture per point of the font size."""


class ClassPainter(Painter):
    """Writes the most likely class and its score."""

    model_type = BaseClassifier

    def __init__(self, model: BaseClassifier, cfg: Config):
        super().__init__(model, cfg)
        # mmpretrain's inferencer reads these attributes
        model._config, model._dataset_meta = cfg, model.dataset_meta
        self.inferencer = ImageClassificationInferencer(model)
        self.visualizer = UniversalVisualizer()

    def paint(self, image: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        inferencer = self.inferencer
        samples = inferencer.forward(next(inferencer.preprocess([image])))
        prediction = inferencer.postprocess(samples, [])[0]
        del prediction['pred_scores']  # the scores of all classes
        picture, _ = enlarge(image)
        # the default font size has a maximum, and long names would not fit
        text = dict(size=min(picture.shape[:2]) / PIXELS_PER_POINT, wrap=True)
        drawn = self.visualizer.visualize_cls(
            picture[..., ::-1], samples[0], inferencer.classes, draw_gt=False, text_cfg=text
        )
        return drawn[..., ::-1], prediction
