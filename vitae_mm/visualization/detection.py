"""Drawing instances: boxes, masks, classes and scores."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox
from mmdet.apis import DetInferencer
from mmdet.models import BaseDetector
from mmdet.structures import DetDataSample
from mmdet.visualization import DetLocalVisualizer
from mmengine.config import Config
from mmengine.structures import BaseDataElement, InstanceData
from pycocotools import mask as coco_mask

from .class_map import gray_copy
from .drawer import Drawer
from .inferencer import LoadedModelMixin
from .painter import Painter
from .palette import Color, class_colors, text_color
from .picture_size import enlarge, scale_drawing

FONT_SIZE = 10


class LoadedDetInferencer(LoadedModelMixin, DetInferencer):
    """mmdet's inferencer with a loaded model."""


class InstanceVisualizer(DetLocalVisualizer):
    """mmdet's visualizer, with masks and labels in exactly the color of the class, and labels of
    one size that are inside the picture and do not cover each other."""

    def set_image(self, image: np.ndarray) -> None:
        super().set_image(image)
        self.ax_save.autoscale(False)  # boxes may extend beyond the image

    def _draw_instances(
        self, image: np.ndarray, instances: InstanceData, classes: Any, palette: Any
    ) -> np.ndarray:
        self._colors: list[Color] = [palette[label] for label in instances.labels]
        return super()._draw_instances(image, instances, classes, palette)

    def draw_binary_masks(
        self, masks: np.ndarray, colors: object, alphas: float
    ) -> 'InstanceVisualizer':
        # mmdet varies the color of the class
        return super().draw_binary_masks(masks, colors=self._colors, alphas=alphas)

    def draw_texts(self, text: str, position: Any, **options: Any) -> 'InstanceVisualizer':
        color = self._colors[len(self.ax_save.texts)]
        background = dict(facecolor=np.array(color) / 255, pad=0.7, edgecolor='none')
        options.update(colors=text_color(color), font_sizes=FONT_SIZE, bboxes=[background])
        super().draw_texts(text, position, **options)
        self._place(self.ax_save.texts[-1])
        return self

    def _place(self, label: Text) -> None:
        """Moves a label into the picture, and below or above those that it would cover."""
        others = [self._extent(other) for other in self.ax_save.texts[:-1]]
        own = self._extent(label)
        right = -min(max(own.x1 - self.width, 0), own.x0)
        down = -min(max(own.y1 - self.height, 0), own.y0)
        shifts = [down]
        for box in others:
            shifts += [box.y1 + 1 - own.y0, box.y0 - 1 - own.y1]
        for shift in sorted(shifts, key=lambda shift: abs(shift - down)):
            moved = Affine2D().translate(right, shift).transform_bbox(own)
            inside = moved.y0 >= 0 and moved.y1 <= self.height
            if inside and not any(_overlap(box, moved) for box in others):
                down = shift
                break
        x, y = label.get_position()
        # letters look the same at whole pixels
        label.set_position((np.floor(x + right), np.floor(y + down)))

    def _extent(self, label: Text) -> Bbox:
        """The extent of a label with its background, in pixels from the top left corner."""
        box = label.get_window_extent().padded(self.dpi / 72)
        return Bbox([[box.x0, self.height - box.y1], [box.x1, self.height - box.y0]])


class InstanceDrawer(Drawer):
    """Draws boxes, masks, classes and scores."""

    default_score = 0.3

    def __init__(self, meta: Mapping[str, Any]):
        super().__init__(meta)
        self.colors = class_colors(meta)
        self.visualizer = InstanceVisualizer(alpha=0.65)
        self.visualizer.dataset_meta = dict(
            classes=list(self.colors), palette=list(self.colors.values())
        )

    def draw(self, image: np.ndarray, sample: BaseDataElement, truth: bool = False) -> np.ndarray:
        picture, factor = enlarge(image)
        found = sample.gt_instances if truth else sample.pred_instances
        if not truth:
            found = found[found.scores > self.score_thr]
            found = found[found.scores.argsort()]  # the most likely ones cover the others
        boxes = found.bboxes if isinstance(found.bboxes, torch.Tensor) else found.bboxes.tensor
        scaled = InstanceData(bboxes=boxes * factor, labels=found.labels)
        if 'scores' in found:
            scaled.scores = found.scores
        if 'masks' in found and len(found):
            masks = decode_masks(found.masks).repeat(factor, 1).repeat(factor, 2)
            scaled.masks = masks
            # so that all objects of a class look the same
            covered = np.logical_or.reduce(masks)
            picture = np.where(covered[..., None], gray_copy(picture), picture)
        scale_drawing(self.visualizer, picture)
        self.visualizer.add_datasample(
            '',
            picture[..., ::-1],
            DetDataSample(gt_instances=scaled) if truth else DetDataSample(pred_instances=scaled),
            draw_gt=truth,
            draw_pred=not truth,
            pred_score_thr=0,
        )
        return self.visualizer.get_image()[..., ::-1]


class InstancePainter(Painter):
    """Detects instances."""

    model_type = BaseDetector
    drawer_type = InstanceDrawer

    def __init__(self, model: BaseDetector, cfg: Config):
        super().__init__(model, cfg)
        cfg.visualizer = dict(type=DetLocalVisualizer, name='demo')  # which mmdet requires
        self.inferencer = LoadedDetInferencer(cfg, model, show_progress=False)

    def paint(self, image: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        _, data = next(self.inferencer.preprocess([image]))
        sample = self.inferencer.forward(data)[0].cpu()
        prediction = self.inferencer.pred2dict(sample)
        classes = self.model.dataset_meta['classes']
        prediction['names'] = [classes[label] for label in prediction['labels']]
        return self.drawer.draw(image, sample), prediction


def decode_masks(masks: Any) -> np.ndarray:
    """Returns masks of mmdet, or in COCO's run-length encoding, as (n, H, W) bool."""
    if isinstance(masks, list):
        return np.stack([coco_mask.decode(mask) for mask in masks]).astype(bool)
    array = masks.cpu().numpy() if isinstance(masks, torch.Tensor) else masks.to_ndarray()
    return array.astype(bool)


def _overlap(first: Bbox, second: Bbox) -> bool:
    """Whether two boxes have more than an edge in common."""
    common = Bbox.intersection(first, second)
    return common is not None and common.width > 0 and common.height > 0
