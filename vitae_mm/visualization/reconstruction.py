"""Drawing the reconstructions of masked autoencoders."""

from typing import Any

import cv2
import numpy as np
import torch
from mmpretrain.models import MAE

from .painter import Painter
from .picture_size import enlarge

GAP = 4
"""Pixels between the pictures."""


class ReconstructionPainter(Painter):
    """Draws the image, its visible patches, and the visible patches with the reconstruction of
    the masked ones."""

    model_type = MAE
    heading = 'image, visible patches, reconstruction of the masked ones'
    uses_test_pipeline = False

    def paint(self, image: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        model, head = self.model, self.model.head
        square = crop_square(image, model.backbone.img_size[0])
        pixels = torch.from_numpy(square).permute(2, 0, 1).unsqueeze(0)
        x = model.data_preprocessor(dict(inputs=pixels, data_samples=None))['inputs']
        # masks the same patches in every call
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(0)
            latent, mask, restore = model.backbone(x)
            predicted = model.neck(latent, restore)
            loss = head.loss(predicted, x, mask).item()
        patches, mask = head.patchify(x), mask.unsqueeze(-1)
        if head.norm_pix:
            # the model predicts patches normalized one by one
            deviation, mean = torch.std_mean(patches, dim=-1, keepdim=True)
            predicted = predicted * deviation + mean
        visible = patches * (1 - mask)
        gap = np.full((len(square), GAP, 3), 255, np.uint8)
        row = np.hstack(
            [
                self._pixels(patches),
                gap,
                self._pixels(visible),
                gap,
                self._pixels(visible + predicted * mask),
            ]
        )
        return enlarge(row)[0], dict(loss=loss, masked=int(mask.sum()), patches=mask.shape[1])

    def _pixels(self, patches: torch.Tensor) -> np.ndarray:
        """Normalized patches (1, N, 3 * p^2) -> pixels (H, W, 3), BGR uint8."""
        x, preprocessor = self.model.head.unpatchify(patches), self.model.data_preprocessor
        if preprocessor._enable_normalize:
            x = x * preprocessor.std + preprocessor.mean
        pixels = x[0].permute(1, 2, 0)
        if preprocessor._channel_conversion:
            pixels = pixels.flip(-1)
        return pixels.round().clamp(0, 255).byte().cpu().numpy()


def crop_square(image: np.ndarray, side: int) -> np.ndarray:
    """Crops the largest central square of an image (H, W, 3) and resizes it to ``side`` pixels."""
    short = min(image.shape[:2])
    top, left = ((edge - short) // 2 for edge in image.shape[:2])
    return cv2.resize(
        image[top : top + short, left : left + short],
        (side, side),
        interpolation=cv2.INTER_AREA if short > side else cv2.INTER_CUBIC,
    )
