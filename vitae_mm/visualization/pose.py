"""Drawing poses."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from mmengine.structures import BaseDataElement, InstanceData
from mmpose.apis import inference_topdown
from mmpose.models import TopdownPoseEstimator
from mmpose.structures import PoseDataSample, merge_data_samples, split_instances
from mmpose.visualization import PoseLocalVisualizer

from vitae_mm.registry import VISUALIZERS

from .drawer import Drawer
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


class PoseDrawer(Drawer):
    """Draws keypoints, their links and boxes."""

    default_score = 0.3

    def __init__(self, meta: Mapping[str, Any]):
        super().__init__(meta)
        names = meta.get('keypoint_id2name', {})
        colors = np.asarray(meta.get('keypoint_colors', ())).astype(int).tolist()
        self.colors = {names.get(i, str(i)): tuple(color) for i, color in enumerate(colors)}
        self.visualizer = KeypointVisualizer()
        self.visualizer.set_dataset_meta(meta)

    def draw(
        self, image: np.ndarray, sample: BaseDataElement, truth: bool = False, boxes: bool = True
    ) -> np.ndarray:
        """Draws poses; see :meth:`Drawer.draw`.

        Args:
            boxes: Also draw the boxes. Defaults to True.
        """
        picture, factor = enlarge(image)
        found = sample.gt_instances if truth else sample.pred_instances
        # of training samples, which are crops
        points = found.get('transformed_keypoints', found.keypoints)
        shown = found.keypoints_visible if truth else found.keypoint_scores
        scaled = InstanceData(
            keypoints=points * factor,
            keypoints_visible=np.reshape(shown, (*points.shape[:2], -1))[..., 0],
        )
        self.visualizer.radius = max(min(picture.shape[:2]) // 80, 3)
        self.visualizer.line_width = width = max(self.visualizer.radius // 2, 1)
        if boxes and 'bboxes' in found and 'transformed_keypoints' not in found:
            # mmpose would draw them over the keypoints
            for left, top, right, bottom in (found.bboxes * factor).round().astype(int):
                cv2.rectangle(picture, (left, top), (right, bottom), BOX_COLOR, width)
        drawn = self.visualizer.add_datasample(
            '',
            picture[..., ::-1].copy(),
            PoseDataSample(pred_instances=scaled),
            draw_gt=False,
            kpt_thr=self.score_thr,
        )
        return drawn[..., ::-1]


class PosePainter(Painter):
    """Finds the keypoints of poses in given boxes."""

    model_type = TopdownPoseEstimator
    drawer_type = PoseDrawer
    takes_boxes = True

    def paint(
        self, image: np.ndarray, boxes: np.ndarray | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        poses = inference_topdown(self.model, image, boxes, bbox_format='xywh')
        sample = merge_data_samples(poses)
        prediction = dict(instances=split_instances(sample.pred_instances))
        return self.drawer.draw(image, sample, boxes=boxes is not None), prediction
