"""The base class of drawers, and building the drawer of a codebase."""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any, ClassVar

import numpy as np
from mmengine.structures import BaseDataElement

from .palette import Color

DRAWERS = dict(
    mmpretrain='classification:ClassDrawer',
    mmdet='detection:InstanceDrawer',
    mmseg='segmentation:ClassMapDrawer',
    mmpose='pose:PoseDrawer',
)
"""Drawers by default_scope, imported when needed, as only one codebase may be installed."""


class Drawer:
    """Draws data samples with a codebase's own visualizer.

    Args:
        meta: Metadata of the dataset: names and colors of classes or keypoints.

    Attributes:
        default_score: Default minimum score of drawn objects; None if they have no scores.
        side_by_side: Whether truth and prediction are drawn on a picture each; otherwise the truth
            is added to the prediction.
        colors: RGB colors of classes or keypoints, by name.
    """

    default_score: ClassVar[float | None] = None
    side_by_side: ClassVar[bool] = True

    def __init__(self, meta: Mapping[str, Any]):
        self.score_thr = self.default_score
        self.colors: dict[str, Color] = {}

    def draw(self, image: np.ndarray, sample: BaseDataElement, truth: bool = False) -> np.ndarray:
        """Draws what is predicted or true.

        Args:
            image: (H, W, 3), BGR uint8; small ones are enlarged.
            sample: Data sample in pixels of this image; it is not changed.
            truth: Draw the ground truth instead of the prediction. Defaults to False.

        Returns:
            BGR uint8.
        """
        raise NotImplementedError


def build_drawer(scope: str, meta: Mapping[str, Any]) -> Drawer:
    """Builds the drawer of a codebase.

    Args:
        scope: One of ``DRAWERS``.
        meta: Metadata of the dataset.
    """
    drawer_type: type[Drawer] = resolve_name(f'{__package__}.{DRAWERS[scope]}')
    return drawer_type(meta)
