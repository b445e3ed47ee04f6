"""Eigen-CAM; needs the package ``grad-cam``."""

import numpy as np
from pytorch_grad_cam.base_cam import BaseCAM


class EigenCAM(BaseCAM):
    """The first principal component of a layer's maps; needs no score.

    Eigen-CAM, Muhammad and Yeasin, IJCNN 2020. The sign of a component is arbitrary: it is chosen
    so that the larger extreme is positive (Seg-Eigen-CAM, Chung and Ying, Applied Sciences 2025,
    Eq. 13). Unlike the package's own class, it does not need memory for the squared number of
    positions, of which detectors have tens of thousands.
    """

    def __init__(self, *args: object, **kwargs: object):
        super().__init__(*args, uses_gradients=False, **kwargs)

    def get_cam_image(
        self,
        input_tensor: object,
        target_layer: object,
        targets: object,
        activations: np.ndarray,
        *_: object,
    ) -> np.ndarray:
        """Reduces activations (B, C, H, W) to (B, H, W)."""
        # (B, C, H, W) -> (B, H * W, C)
        features = activations.reshape(*activations.shape[:2], -1).transpose(0, 2, 1)
        centered = features - features.mean(axis=1, keepdims=True)
        components = np.linalg.svd(centered, full_matrices=False).Vh
        # (B, H * W, C) x (B, C, 1) -> (B, H * W)
        heat = (centered @ components[:, :1].transpose(0, 2, 1))[..., 0]
        sign = np.where(heat.max(1) < -heat.min(1), -1, 1)
        return (sign[:, None] * heat).reshape(-1, *activations.shape[2:])
