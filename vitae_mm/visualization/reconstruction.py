from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmpretrain.models import MAE

from .scale import enlarge

GAP = 4
"""Pixels between the pictures."""


class ReconstructionPainter:
    """Draws the image, its visible patches, and those with what the masked
    autoencoder puts in place of the others."""

    model_type = MAE
    score_thr = None
    takes_boxes = False
    reads_pipeline = False

    def __init__(self, model: MAE, cfg: Config):
        self.model = model

    def paint(self, image: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        model, head = self.model, self.model.head
        square = fit_square(image, model.backbone.img_size[0])
        pixels = torch.from_numpy(square).permute(2, 0, 1).unsqueeze(0)
        x = model.data_preprocessor(dict(inputs=pixels, data_samples=None))['inputs']
        # the same patches are masked whenever it is drawn
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(0)
            latent, mask, restore = model.backbone(x)
            predicted = model.neck(latent, restore)
            loss = head.loss(predicted, x, mask).item()
        patches, mask = head.patchify(x), mask.unsqueeze(-1)
        if head.norm_pix:
            # of each patch: what the head divided by is not predicted
            deviation, mean = torch.std_mean(patches, dim=-1, keepdim=True)
            predicted = predicted * deviation + mean
        visible = patches * (1 - mask)
        pictures = [
            self._pixels(head.unpatchify(each))
            for each in (patches, visible, visible + predicted * mask)
        ]
        edge = np.full((len(square), GAP, 3), 255, np.uint8)
        row = np.hstack([pictures[0], edge, pictures[1], edge, pictures[2]])
        return enlarge(row)[0], dict(loss=loss, masked=int(mask.sum()), patches=mask.shape[1])

    def _pixels(self, x: torch.Tensor) -> np.ndarray:
        """Normalised (1, 3, H, W) -> (H, W, 3), BGR uint8."""
        preprocessor = self.model.data_preprocessor
        if preprocessor._enable_normalize:
            x = x * preprocessor.std + preprocessor.mean
        pixels = x[0].permute(1, 2, 0)
        if preprocessor._channel_conversion:
            pixels = pixels.flip(-1)
        return pixels.round().clamp(0, 255).byte().cpu().numpy()


def fit_square(image: np.ndarray, side: int) -> np.ndarray:
    """The largest square in the middle of an image (H, W, 3), scaled to ``side`` pixels."""
    short = min(image.shape[:2])
    top, left = ((edge - short) // 2 for edge in image.shape[:2])
    return cv2.resize(
        image[top : top + short, left : left + short],
        (side, side),
        interpolation=cv2.INTER_AREA if short > side else cv2.INTER_CUBIC,
    )
