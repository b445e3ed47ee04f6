"""Drawing poses."""

from typing import Any

import cv2
import numpy as np
from mmengine.config import Config
from mmpose.apis import inference_topdown
from mmpose.models import TopdownPoseEstimator
from mmpose.structures import merge_data_samples, split_instances
from mmpose.visualization import PoseLocalVisualizer

from vitae_mm.registry import VISUALIZERS

from .painter import Painter
from .picture_size import enlarge

BOX_COLOR = (0, 255, 0)


@VISUALIZERS.register_module()
class KeypointVisualizer(PoseLocalVisualizer):
    """mmpose's visualizer, with white rings around keypoints."""

    def draw_circles(
        self, center: np.ndarray, radius: np.ndarray, face_colors: tuple[int, ...], **options: Any
    ) -> None:
        size = float(radius[0])  # mmpose gives an array, which NumPy 2.4 does not convert
        super().draw_circles(center, 1.4 * size, (255, 255, 255), **options)
        super().draw_circles(center, size, face_colors, **options)


class PosePainter(Painter):
    """Draws keypoints, their links, and the given boxes."""

    model_type = TopdownPoseEstimator
    score_thr = 0.3
    takes_boxes = True

    def __init__(self, model: TopdownPoseEstimator, cfg: Config):
        super().__init__(model, cfg)
        self.visualizer = KeypointVisualizer()
        self.visualizer.set_dataset_meta(model.dataset_meta)

    def paint(
        self, image: np.ndarray, boxes: np.ndarray | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        poses = inference_topdown(self.model, image, boxes, bbox_format='xywh')
        sample = merge_data_samples(poses)
        prediction = dict(instances=split_instances(sample.pred_instances))
        picture, factor = enlarge(image)
        sample.pred_instances.keypoints *= factor
        sample.pred_instances.bboxes *= factor
        self.visualizer.radius = max(min(picture.shape[:2]) // 80, 3)
        self.visualizer.line_width = width = max(self.visualizer.radius // 2, 1)
        if boxes is not None:
            # mmpose would draw them over the keypoints
            for left, top, right, bottom in sample.pred_instances.bboxes.round().astype(int):
                cv2.rectangle(picture, (left, top), (right, bottom), BOX_COLOR, width)
        drawn = self.visualizer.add_datasample(
            '', picture[..., ::-1].copy(), sample, draw_gt=False, kpt_thr=self.score_thr
        )
        return drawn[..., ::-1], prediction
