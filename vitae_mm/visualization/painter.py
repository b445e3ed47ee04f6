"""One painter a codebase: predicts with its inferencer, draws with its visualizer."""

from importlib import import_module
from typing import Any, Protocol

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope

from vitae_mm.engine.config import type_name
from vitae_mm.engine.inference import fuse_for_inference
from vitae_mm.engine.models import load_model, prepare_config
from vitae_mm.errors import InputError

PAINTERS = dict(
    mmpretrain='classification.ClassPainter',
    mmdet='detection.InstancePainter',
    mmseg='segmentation.MapPainter',
    mmpose='pose.SkeletonPainter',
)
"""By default_scope; imported when needed, so that one codebase is enough."""

PRETRAINING = dict(MAE='reconstruction.ReconstructionPainter')
"""The same by type of a model of mmpretrain that learns without labels."""


class Painter(Protocol):
    """Draws what a model predicts.

    Attributes:
        model_type: Base class of the models that it can draw.
        score_thr: Least score of what is drawn; None if nothing is left out.
        takes_boxes: Whether :meth:`paint` also takes ``boxes`` to look in,
            (n, 4) as x, y, width, height in pixels.
        reads_pipeline: Whether it prepares images as the config tests.
    """

    model_type: type
    score_thr: float | None
    takes_boxes: bool
    reads_pipeline: bool

    def paint(self, image: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        """Predicts and draws.

        Args:
            image: (H, W, 3), BGR uint8.

        Returns:
            The picture, BGR uint8, larger than a small image; and what was
            predicted, in pixels of the image, of types that JSON has.
        """


def build_painter(
    cfg: Config,
    checkpoint: str,
    device: str = 'cpu',
    score_thr: float | None = None,
    trust: bool = False,
    fuse: bool = False,
) -> Painter:
    """The painter for the task of a config, with trained weights.

    Args:
        cfg: Of any of the codebases; changed in place.
        checkpoint: Must have every key of the model.
        device: As torch names it.
        score_thr: Least score of what is drawn. Defaults to the painter's.
        trust: Unpickle anything in the checkpoint. Defaults to False.
        fuse: See :func:`fuse_for_inference`. Defaults to False.

    Raises:
        InputError: If the task cannot be drawn, the checkpoint does not fit,
            or a threshold is given that the task does not have or that is
            none.
    """
    scope = cfg.get('default_scope')
    if scope not in PAINTERS:
        raise InputError(
            f'default_scope {scope!r} of the config is none of '
            f'{", ".join(PAINTERS)}: its task is not known.'
        )
    module, name = PRETRAINING.get(type_name(cfg.model), PAINTERS[scope]).split('.')
    painter_type = getattr(import_module(f'.{module}', __package__), name)
    if score_thr is not None and painter_type.score_thr is None:
        raise InputError(
            f'score threshold {score_thr}: only boxes and keypoints have one; leave it out.'
        )
    if score_thr is not None and not 0 <= score_thr <= 1:
        raise InputError(f'score threshold {score_thr}: give a number from 0 to 1.')
    init_default_scope(scope)  # mmpretrain's inferencer does not
    if painter_type.reads_pipeline:
        prepare_config(cfg)
    model = load_model(cfg, checkpoint, device, trust)
    if not isinstance(model, painter_type.model_type):
        raise InputError(
            f'model type {type(model).__name__} of the config is no '
            f'{painter_type.model_type.__name__} of {scope}: no other can be drawn.'
        )
    if fuse:
        fuse_for_inference(model)
    painter = painter_type(model, cfg)
    if score_thr is not None:
        painter.score_thr = score_thr
    return painter
