"""Class activation: the parts of an image that a network's prediction comes from.

Grad-CAM, Selvaraju et al., ICCV 2017, and related methods, from the package ``grad-cam``.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from vitae_mm.engine.packages import require_package
from vitae_mm.errors import InputError

from .activation_layers import covered_size, default_layers
from .feature_maps import to_maps
from .loading import image_reader, input_pixels, network_input
from .scores import Target, find_score

WITH_SCORE = {
    'gradcam': 'GradCAM',
    'gradcam++': 'GradCAMPlusPlus',
    'xgradcam': 'XGradCAM',
    'layercam': 'LayerCAM',
    'hirescam': 'HiResCAM',
    'gradcamelementwise': 'GradCAMElementWise',
    'eigengradcam': 'EigenGradCAM',
    'segeigencam': 'SegEigenCAM',
    'scorecam': 'ScoreCAM',
}
"""Methods that explain a score, and their classes in the package."""

WITHOUT_SCORE = {'eigencam': 'EigenCAM', 'fem': 'FEM'}
"""Methods that need only a layer's maps, which every network has."""

METHODS = WITH_SCORE | WITHOUT_SCORE


@dataclass(frozen=True)
class ClassActivation:
    """The class activation of a network for an image.

    Attributes:
        image: Input of the network without padding, (H, W, 3) RGB uint8.
        heat: Importance of each pixel, (H, W), from 0 to 1, the largest in this image.
        layer: Name of the layer that it is computed for.
        caption: The explained class with its score; '' without a score.
    """

    image: np.ndarray
    heat: np.ndarray
    layer: str
    caption: str


class Explainer:
    """Computes the class activation of a model for single images.

    For a classifier, it explains the logit of a class; for a segmentor, the sum of the logits of a
    class over the pixels predicted as this class. Selecting boxes (by NMS) or keypoints (by
    maxima) has no gradient: for detectors and pose estimators, methods without a score show maps.

    Args:
        model: From ``load_model``, with its config as ``cfg``. Gradients of its parameters are
            disabled.
        method: One of :data:`METHODS`. Defaults to 'gradcam', or to 'eigencam' for models without
            a score.
        layer: Name of a layer in the model. Defaults to the attention of the last cell whose map
            the score depends on: if only the class token is read, the map of the last cell has no
            effect, and the previous cell is used. Maps of one position are skipped.

    Raises:
        InputError: If there is no such method or layer, if the method needs a score and the model
            has none, or if the package is missing.
    """

    def __init__(self, model: BaseModel, method: str | None = None, layer: str | None = None):
        package = require_package('pytorch_grad_cam', 'class activation needs the package grad-cam')
        from .eigen_cam import EigenCAM  # needs the package

        if method not in (None, *METHODS):
            raise InputError(f'method {method!r}: give one of {", ".join(METHODS)}.')
        self.choose_score = find_score(model)
        if method in WITH_SCORE and self.choose_score is None:
            raise InputError(
                f'method {method}: {type(model).__name__} of {model.cfg.default_scope} has no '
                f'score with a gradient; give one of {", ".join(WITHOUT_SCORE)}, which need none.'
            )
        self.method = method or ('gradcam' if self.choose_score else 'eigencam')
        if self.method in WITHOUT_SCORE:
            self.choose_score = None
        eigen = self.method == 'eigencam'
        self.cam_type = EigenCAM if eigen else getattr(package, METHODS[self.method])
        self.model = model.requires_grad_(False)
        modules = dict(model.named_modules())
        if layer and layer not in modules:
            raise InputError(
                f'layer {layer!r}: {type(model).__name__} has no layer of this name; give a name '
                f'in its named_modules(), such as {", ".join(default_layers(model))}.'
            )
        self.layers = {layer: modules[layer]} if layer else default_layers(model)
        self.read = image_reader(model)

    def __call__(self, path: Path, category: int | None = None) -> ClassActivation:
        """Explains the prediction for an image.

        Args:
            path: Image file.
            category: Index of the class to explain. Defaults to the most probable class, or for a
                segmentor to the class with the most pixels.

        Raises:
            InputError: If the image cannot be read, if there is no such class, or if the score
                does not depend on the layer.
        """
        item = self.read(path)
        images = network_input(self.model, item).requires_grad_()
        height, width = item['inputs'].shape[-2:]
        # the preprocessor pads on the right and at the bottom
        inside = height / images.shape[2], width / images.shape[3]
        target, caption, name = self._choose(images, inside, category)
        heat = self._heat(images, target, name)[:height, :width]
        pixels = input_pixels(self.model, images)[:height, :width]
        return ClassActivation(image=pixels, heat=heat, layer=name, caption=caption)

    def _choose(
        self, images: Tensor, inside: tuple[float, float], category: int | None
    ) -> tuple[Target | None, str, str]:
        """Returns the score, its caption, and the name of the layer to draw."""
        if self.choose_score is None and category is not None:
            raise InputError(
                f'category {category}: no score of a class of {type(self.model).__name__} is '
                f'explained by {self.method}; leave the category out.'
            )
        outputs: dict[str, Any] = {}

        def keep(name: str, layer: nn.Module, inputs: object, output: object) -> None:
            outputs[name] = output

        target: Target | None = None
        score, caption = None, ''
        with ExitStack() as hooks, torch.set_grad_enabled(self.choose_score is not None):
            for name, layer in self.layers.items():
                hooks.callback(layer.register_forward_hook(partial(keep, name)).remove)
            if self.choose_score is None:
                self.model.extract_feat(images)
            else:
                logits = self.model(images, mode='tensor')
                target, caption = self.choose_score(logits, inside, category)
                score = target(logits[0])
        *_, last = self.layers
        flaws = {last: 'does not run'}
        for name in reversed(outputs):  # the layers that ran, from the last one
            flaws[name] = self._flaw(self.layers[name], outputs[name], score, size=images.shape[2:])
            if not flaws[name]:
                return target, caption, name
        raise InputError(
            f'layer {last} {flaws[last]}; give one of {", ".join(default_layers(self.model))}.'
        )

    def _flaw(
        self, layer: nn.Module, output: Any, score: Tensor | None, *, size: Sequence[int]
    ) -> str:
        """Tells why the output of a layer cannot be drawn; '' if it can."""
        if to_maps(output, layer, size) is None or len(output) != 1:
            found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            return (
                f'outputs {found}, which is not a map of several positions, or the tokens of one, '
                f'of an image of {size[0]}x{size[1]} pixels'
            )
        if score is not None:
            (grad,) = torch.autograd.grad(score, output, retain_graph=True, allow_unused=True)
            maps = to_maps(grad, layer, size)
            if maps is None or not maps.any():
                return 'outputs a map that the score does not depend on'
        return ''

    def _heat(self, images: Tensor, target: Target | None, name: str) -> np.ndarray:
        """Computes the class activation (H, W), or larger if the map covers more than the image."""
        layer, size = self.layers[name], images.shape[2:]

        def as_maps(output: Tensor) -> Tensor:
            maps = to_maps(output, layer, size)
            assert maps is not None
            return maps.clone()  # in other networks, in-place sums overwrite the output of a norm

        cam = self.cam_type(self.model, [layer], as_maps)
        if target is None:
            cam.activations_and_grads.model = self.model.extract_feat  # skip the heads
        # by default, the map would be stretched over the image without padding
        cam.get_target_width_height = lambda _: covered_size(self.model, name, size)[::-1]
        with ExitStack() as hooks, torch.set_grad_enabled(cam.uses_gradients):
            hooks.callback(cam.activations_and_grads.release)
            return cam(images, [target])[0]
