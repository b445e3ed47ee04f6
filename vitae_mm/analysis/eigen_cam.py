import numpy as np
from pytorch_grad_cam.base_cam import BaseCAM


class EigenCAM(BaseCAM):
    """The first principal component of a layer's maps; needs no score.

    Eigen-CAM, Muhammad and Yeasin, IJCNN 2020. A component has no sign: the
    one is taken whose larger extreme is positive (Seg-Eigen-CAM, Chung and
    Ying, Applied Sciences 2025, Eq. 13). Also, unlike the package's own, it
    takes no memory of the square of the number of cells, of which maps of
    detectors have tens of thousands.
    """

    def __init__(self, *args, **options):
        super().__init__(*args, uses_gradients=False, **options)

    def get_cam_image(
        self, input_tensor, target_layer, targets, activations: np.ndarray, grads, eigen_smooth
    ) -> np.ndarray:
        """Activations, (B, C, H, W) -> (B, H, W)."""
        # (B, C, H, W) -> (B, H * W, C)
        cells = activations.reshape(*activations.shape[:2], -1).transpose(0, 2, 1)
        centred = cells - cells.mean(axis=1, keepdims=True)
        components = np.linalg.svd(centred, full_matrices=False).Vh
        # (B, H * W, C) x (B, C, 1) -> (B, H * W)
        shown = (centred @ components[:, :1].transpose(0, 2, 1))[..., 0]
        sign = np.where(shown.max(1) < -shown.min(1), -1, 1)
        return (sign[:, None] * shown).reshape(-1, *activations.shape[2:])
