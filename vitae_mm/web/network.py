"""What the page shows of a model: predictions, class activation and attention, as pictures."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import nn

from vitae_mm.analysis.attention_weights import attention_layers
from vitae_mm.analysis.cell_attention import AttentionViewer
from vitae_mm.analysis.class_activation import Explainer
from vitae_mm.errors import InputError
from vitae_mm.visualization import build_painter
from vitae_mm.visualization.class_map import gray_copy
from vitae_mm.visualization.media import read_image
from vitae_mm.visualization.picture_size import enlarge

COLORMAP = matplotlib.colormaps['turbo']

FRAME = 2
"""Width of the frame of a cell in pixels."""

MAX_SCORES = 10
"""Number of scores that are listed."""


@dataclass(frozen=True)
class Prediction:
    """A prediction for an image.

    Attributes:
        picture: (H, W, 3) RGB uint8.
        scores: Fractions from 0 to 1 by name, the largest first: of classes, objects, keypoints,
            or of the pixels of each class.
        seconds: Time to prepare the image, predict and draw.
        model_seconds: The part of the model in it.
    """

    picture: np.ndarray
    scores: Mapping[str, float]
    seconds: float
    model_seconds: float


@dataclass(frozen=True)
class AttentionPicture:
    """The attention of a cell.

    Attributes:
        picture: (H, W, 3) RGB uint8, in which the cell has a frame.
        caption: The cell, and its largest weight.
        head: The shown head, from 1; 0 for the mean of the heads.
        heads: Number of heads of the layer.
    """

    picture: np.ndarray
    caption: str
    head: int
    heads: int


class Network:
    """A trained model. Its methods raise InputError with a sentence if there is nothing to show.

    Attributes:
        layers: Names of the layers that have attention weights.
        device: Torch device.

    Args:
        cfg: Config of any codebase; changed in place.
        checkpoint: Checkpoint file, which must have every key of the model.
        device: Torch device.
        trust: Unpickle any object in the checkpoint. Defaults to False.

    Raises:
        InputError: If the task is not supported or the checkpoint does not fit.
    """

    def __init__(self, cfg: Config, checkpoint: str, *, device: str, trust: bool = False):
        self.painter = build_painter(cfg, checkpoint, device=device, trust=trust)
        self.model = self.painter.model
        self.scope, self.device = cfg.default_scope, device
        try:
            self.layers = list(attention_layers(self.model.backbone))
        except InputError:
            self.layers = []
        # the first prediction takes longer than the others
        with DefaultScope.overwrite_default_scope(self.scope):
            self.painter.paint(np.full((64, 64, 3), 127, np.uint8))

    @property
    def default_layer(self) -> str | None:
        """A layer at three quarters of the depth: the last maps of a pyramid have few cells."""
        return self.layers[len(self.layers) * 3 // 4] if self.layers else None

    def predict(self, path: Path) -> Prediction:
        """Predicts on an image file."""
        image = read_image(path)
        with DefaultScope.overwrite_default_scope(self.scope), watch(self.model) as calls:
            start = time.perf_counter()
            picture, found = self.painter.paint(image)
            seconds = time.perf_counter() - start
        scores = self._scores(found, calls)
        return Prediction(
            picture=np.ascontiguousarray(picture[..., ::-1]),
            scores=dict(sorted(scores.items(), key=lambda item: -item[1])[:MAX_SCORES]),
            seconds=seconds,
            model_seconds=sum(taken for taken, _ in calls),
        )

    def explain(self, path: Path) -> tuple[np.ndarray, str]:
        """Returns the class activation as a picture (H, W, 3) RGB, and its caption."""
        self._require_pipeline()
        with DefaultScope.overwrite_default_scope(self.scope):
            explainer = Explainer(self.model)
            shown = explainer(path)
        image, factor = enlarge(shown.image)
        heat = cv2.resize(shown.heat, None, fx=factor, fy=factor)
        parts = [shown.caption, '' if shown.heat.any() else 'no positive evidence']
        parts.append(f'{explainer.method} of {shown.layer}')
        return blend(image, heat), ', '.join(part for part in parts if part)

    def attend(
        self, path: Path, *, layer: str | None, head: int, place: tuple[float, float]
    ) -> AttentionPicture:
        """Draws the attention of the cell at a place.

        Args:
            path: Image file.
            layer: One of :attr:`layers`.
            head: Number of a head, from 1; 0 for the mean of the heads, as for numbers that the
                layer does not have.
            place: Fractions of the height and the width of the picture.
        """
        self._require_pipeline()
        if layer is None:
            network = type(self.model.backbone).__name__
            raise InputError(f'{network} has no attention weights to show.')
        with DefaultScope.overwrite_default_scope(self.scope):
            shown = AttentionViewer(self.model)(path, layer, place)
        heads, rows, columns = shown.weights.shape
        head = head if head <= heads else 0
        weights = shown.weights[head - 1] if head else shown.weights.mean(0)
        image, factor = enlarge(shown.image)
        height, width = (factor * side for side in shown.covered)
        heat = cv2.resize(weights / weights.max(), (width, height), interpolation=cv2.INTER_NEAREST)
        picture = blend(image, heat[: image.shape[0], : image.shape[1]])
        row, column = shown.cell
        top_left = column * width // columns, row * height // rows
        bottom_right = (column + 1) * width // columns - 1, (row + 1) * height // rows - 1
        cv2.rectangle(picture, top_left, bottom_right, (255, 255, 255), FRAME)
        return AttentionPicture(
            picture=picture,
            caption=f'row {row + 1} of {rows}, column {column + 1} of {columns}; '
            f'largest weight {weights.max():.3f}',
            head=head,
            heads=heads,
        )

    def _scores(self, found: Mapping[str, Any], calls: list[tuple[float, Any]]) -> dict[str, float]:
        """Names the scores of a painter's prediction."""
        meta = self.model.dataset_meta
        if 'pred_label' in found:  # the painter keeps the score of the first class only
            scores = calls[0][1][0].pred_score
            names = meta.get('classes') or [f'class {i}' for i in range(len(scores))]
            return dict(zip(names, scores.tolist(), strict=False))
        if 'names' in found:
            objects = zip(found['names'], found['scores'], strict=True)
            return {
                f'{i}. {name}': score
                for i, (name, score) in enumerate(objects, start=1)
                if score >= self.painter.score_thr
            }
        if 'instances' in found:
            scores = found['instances'][0]['keypoint_scores']
            names = meta['keypoint_id2name']
            return {names[i]: min(max(score, 0), 1) for i, score in enumerate(scores)}
        return found.get('shares', {})

    def _require_pipeline(self) -> None:
        if not self.painter.uses_test_pipeline:
            raise InputError(f'This is not available for {type(self.model).__name__}.')


@contextmanager
def watch(model: nn.Module) -> Iterator[list[tuple[float, Any]]]:
    """Yields a list that is filled with the duration in seconds and the output of each call."""
    calls: list[tuple[float, Any]] = []
    starts: list[float] = []

    def now() -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()

    with ExitStack() as hooks:
        for hook in (
            model.register_forward_pre_hook(lambda *_: starts.append(now())),
            model.register_forward_hook(
                lambda _, inputs, output: calls.append((now() - starts.pop(), output))
            ),
        ):
            hooks.callback(hook.remove)
        yield calls


def blend(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Draws heat (H, W) from 0 to 1 over an image (H, W, 3) RGB uint8, without its colors."""
    return ((gray_copy(image) + 255.0 * COLORMAP(heat)[..., :3]) / 2).round().astype(np.uint8)
