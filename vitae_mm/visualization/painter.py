"""The base class of painters, and building the painter for a config."""

from pkgutil import resolve_name
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope

from vitae_mm.engine.config import strip_test_dataset, type_name
from vitae_mm.engine.fusion import fuse_for_inference
from vitae_mm.engine.models import load_model
from vitae_mm.errors import InputError

from .drawer import Drawer

PAINTERS = dict(
    mmpretrain='classification:ClassPainter',
    mmdet='detection:InstancePainter',
    mmseg='segmentation:ClassMapPainter',
    mmpose='pose:PosePainter',
)
"""Painters by default_scope, imported when needed, as only one codebase may be installed."""

PRETRAINING_PAINTERS = dict(MAE='reconstruction:ReconstructionPainter')
"""Painters of self-supervised models of mmpretrain, by type of the model."""


class Painter:
    """Predicts on images and draws the predictions.

    Attributes:
        model: Model to predict with.
        model_type: Base class of the models that it supports.
        drawer: What draws the predictions.
        drawer_type: Its class, which takes the metadata of the dataset.
        heading: Title of a contact sheet, if the pictures do not explain themselves.
        takes_boxes: Whether :meth:`paint` also takes ``boxes`` to predict in, (n, 4) as
            x, y, width, height in pixels.
        uses_test_pipeline: Whether images are prepared by the config's test pipeline.
    """

    model_type: type
    drawer_type: type[Drawer] = Drawer
    heading = ''
    takes_boxes = False
    uses_test_pipeline = True

    def __init__(self, model: BaseModel, cfg: Config):
        self.model = model
        self.drawer: Any = self.drawer_type(model.dataset_meta)

    @property
    def score_thr(self) -> float | None:
        """Minimum score of drawn objects; None if they have no scores."""
        return self.drawer.score_thr

    @score_thr.setter
    def score_thr(self, score: float | None) -> None:
        self.drawer.score_thr = score

    def paint(self, image: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        """Predicts and draws.

        Args:
            image: (H, W, 3), BGR uint8.

        Returns:
            The picture, BGR uint8, in which small images are enlarged; and the prediction, in
            pixels of the image and in types that JSON supports.
        """
        raise NotImplementedError


def build_painter(
    cfg: Config,
    checkpoint: str,
    *,
    device: str = 'cpu',
    score_thr: float | None = None,
    trust: bool = False,
    fuse: bool = False,
) -> Painter:
    """Builds the painter for the task of a config, with trained weights.

    Args:
        cfg: Config of any codebase; changed in place.
        checkpoint: Checkpoint file, which must have every key of the model.
        device: Torch device. Defaults to 'cpu'.
        score_thr: Minimum score of drawn objects. Defaults to the painter's.
        trust: Unpickle any object in the checkpoint. Defaults to False.
        fuse: See :func:`fuse_for_inference`. Defaults to False.

    Raises:
        InputError: If the task is not supported, the checkpoint does not fit, or the threshold
            is invalid or not supported by the task.
    """
    scope = cfg.get('default_scope')
    if scope not in PAINTERS:
        raise InputError(
            f'default_scope {scope!r} of the config is unknown: give a config of '
            f'{", ".join(PAINTERS)}.'
        )
    place = PRETRAINING_PAINTERS.get(type_name(cfg.model), PAINTERS[scope])
    painter_type = resolve_name(f'{__package__}.{place}')
    if score_thr is not None and painter_type.drawer_type.default_score is None:
        raise InputError(
            f'score threshold {score_thr}: only boxes and keypoints have scores; remove it.'
        )
    if score_thr is not None and not 0 <= score_thr <= 1:
        raise InputError(f'score threshold {score_thr}: give a number from 0 to 1.')
    init_default_scope(scope)  # which mmpretrain's inferencer does not
    if painter_type.uses_test_pipeline:
        strip_test_dataset(cfg)
    model = load_model(cfg, checkpoint, device=device, trust=trust)
    if not isinstance(model, painter_type.model_type):
        raise InputError(
            f'model type {type(model).__name__} of the config is not supported: only subclasses '
            f'of {painter_type.model_type.__name__} of {scope} can be drawn.'
        )
    if fuse:
        fuse_for_inference(model)
    painter = painter_type(model, cfg)
    if score_thr is not None:
        painter.score_thr = score_thr
    return painter
