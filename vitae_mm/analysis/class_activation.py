"""Class activation: which parts of an image a network's answer comes from.

Grad-CAM, Selvaraju et al., ICCV 2017, and its relatives, of the package
``grad-cam``.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from torch import Tensor

from vitae_mm.engine.config import innermost, reads_files
from vitae_mm.engine.models import load_model, prepare_config
from vitae_mm.engine.packages import require_package
from vitae_mm.errors import InputError
from vitae_mm.export import describe
from vitae_mm.visualization.media import read_image

from .activation_layers import (
    covered_size,
    find_layer,
    run_watched,
    suggest_layers,
    to_maps,
    usual_layers,
)
from .inputs import network_input
from .scores import Scores, Target, build_scores

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
"""The same of those that look at a layer's maps alone, which every network has."""

METHODS = (*WITH_SCORE, *WITHOUT_SCORE)


@dataclass(frozen=True)
class ClassActivation:
    """What a network sees in an image.

    Attributes:
        image: As it goes into the network, without padding, (H, W, 3) RGB
            uint8.
        heat: How much each pixel counts, from 0 to 1 at the most in this
            image, (H, W).
        layer: Name of the layer that it comes from.
        caption: What is explained, with its score; '' without a score.
    """

    image: np.ndarray
    heat: np.ndarray
    layer: str
    caption: str


class Explainer:
    """Draws the class activation of a model for image after image.

    The score that is explained is the logit of a classifier's class, or a
    segmentor's sum of the logits of a class over the pixels that it gives to
    that class. Scores of detected boxes and of keypoints come from choices
    (NMS, maxima) that have no gradient: of these networks only the maps are
    shown, by methods without a score.

    Args:
        cfg (Config): Of any of the codebases; changed in place.
        checkpoint (str): Must have every key of the model.
        method (str, optional): One of :data:`METHODS`. Defaults to 'gradcam',
            where there is no score to 'eigencam'.
        layer (str, optional): Its name in the model. Defaults to the
            attention of the last cell whose map the score depends on: where
            only the class token is read, what the last cell puts out for
            the map goes nowhere, and the cell before is taken. Maps of a
            single cell are passed over.
        device (str): As torch names it. Defaults to 'cpu'.
        trust (bool): Unpickle anything in the checkpoint. Defaults to False.

    Raises:
        InputError: For a method or a layer that there is not, a method that
            needs a score where there is none, a checkpoint that does not fit.
    """

    def __init__(
        self,
        cfg: Config,
        checkpoint: str,
        method: str | None = None,
        layer: str | None = None,
        device: str = 'cpu',
        trust: bool = False,
    ):
        if method not in (None, *METHODS):
            raise InputError(f'method {method!r}: give one of {", ".join(METHODS)}.')
        prepare_config(cfg)
        self.model = load_model(cfg, checkpoint, device, trust).requires_grad_(False)
        self.cfg = cfg
        scores = build_scores(self.model, cfg.default_scope)
        has_score = scores.explains
        if method in WITH_SCORE and not has_score:
            raise InputError(
                f'method {method}: {type(self.model).__name__} of {cfg.default_scope} has no '
                f'score with a gradient; give one of {", ".join(WITHOUT_SCORE)}, which show its '
                'maps alone.'
            )
        self.method = method or ('gradcam' if has_score else 'eigencam')
        self.scores = Scores(self.model) if self.method in WITHOUT_SCORE else scores
        self.cam_type = _cam_type(self.method)
        self.layers = {layer: find_layer(self.model, layer)} if layer else usual_layers(self.model)
        steps = next(innermost(cfg.test_dataloader)).pipeline
        self.reads_files = reads_files(steps)
        with DefaultScope.overwrite_default_scope(cfg.default_scope):
            self.pipeline = Compose(steps)

    def __call__(self, path: Path, category: int | None = None) -> ClassActivation:
        """
        Args:
            path: Image file.
            category: Number of the class to explain. Defaults to the
                likeliest one, of a segmentor the one of most pixels.

        Raises:
            InputError: If the image cannot be read, there is no such class,
                or the score does not depend on the layer.
        """
        item = self.pipeline(self._sample(path))
        images = network_input(self.model, item).requires_grad_()
        height, width = item['inputs'].shape[-2:]
        # the preprocessor pads to the right and below
        inside = height / images.shape[2], width / images.shape[3]
        name, target, caption = self._choose(images, inside, category)
        heat = self._heat(images, name, target)
        return ClassActivation(
            self._pixels(images)[:height, :width], heat[:height, :width], name, caption
        )

    def _sample(self, path: Path) -> dict[str, Any]:
        """What the test pipeline begins with."""
        image = read_image(path)  # names a file that the pipeline would stumble over
        size = image.shape[:2]
        sample = dict(img_path=str(path), img_id=0)
        if not self.reads_files:  # such data sets give RGB
            sample.update(img=image[..., ::-1].copy(), img_shape=size, ori_shape=size)
        if self.cfg.default_scope == 'mmpose':  # the whole image is the box
            box = np.array([[0, 0, *size[::-1]]], np.float32)
            sample.update(bbox=box, bbox_score=np.ones(1, np.float32), **self.model.dataset_meta)
        return sample

    def _choose(
        self, images: Tensor, inside: tuple[float, float], category: int | None
    ) -> tuple[str, Target | None, str]:
        """The name of the layer to draw, the score and its caption."""
        with torch.set_grad_enabled(self.scores.explains):
            output, seen = run_watched(self.scores, images, self.layers)
            target, caption = self.scores.choose(output, inside, category)
            score = None if target is None else target(output[0])
        reason_against = partial(self._reason_against, seen=seen, score=score, shape=images.shape)
        # of those that ran the last first
        name = next((name for name in reversed(seen) if not reason_against(name)), None)
        if name is None:
            name = next(reversed(self.layers))
            raise InputError(f'layer {name} {reason_against(name)}; {suggest_layers(self.model)}')
        return name, target, caption

    def _reason_against(
        self, name: str, seen: Mapping[str, object], score: Tensor | None, shape: Sequence[int]
    ) -> str | None:
        """Why there is nothing to draw of a layer; None if there is."""
        if name not in seen:
            return 'does not run'
        output, layer, size = seen[name], self.layers[name], shape[2:]
        if to_maps(output, layer, size) is None or len(output) != shape[0]:
            found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            return (
                f'puts out {found}: no map of several cells, or tokens of one, of an image of '
                f'{size[0]}x{size[1]} pixels'
            )
        if score is None:
            return None
        (grad,) = torch.autograd.grad(score, output, retain_graph=True, allow_unused=True)
        if grad is None or not to_maps(grad, layer, size).any():
            return 'puts out a map that the score does not depend on'
        return None

    def _heat(self, images: Tensor, name: str, target: Target | None) -> np.ndarray:
        """(1, C, H, W) -> (H, W) or more, where the layer's map covers more."""
        layer = self.layers[name]

        def as_maps(output: Tensor) -> Tensor:
            # a copy: residual sums of other networks are written over a norm's output
            return to_maps(output, layer, images.shape[2:]).clone()

        cam = self.cam_type(self.scores, [layer], as_maps)
        size = covered_size(self.model, name, images.shape[2:])
        # else the map would be stretched over the image alone
        cam.get_target_width_height = lambda _: size[::-1]
        with ExitStack() as hooks, torch.set_grad_enabled(cam.uses_gradients):
            hooks.callback(cam.activations_and_grads.release)
            return cam(images, [target])[0]

    def _pixels(self, images: Tensor) -> np.ndarray:
        """Images after the preprocessor, (1, C, H, W) -> (H, W, C) RGB uint8."""
        known = describe(self.cfg, None)
        mean, std = (
            images.new_tensor(known.get(key, default)).view(-1, 1, 1)
            for key, default in (('mean', 0.0), ('std', 1.0))
        )
        pixels = (images.detach()[0] * std + mean).round().clamp(0, 255).byte()
        pixels = pixels.flip(0) if known.get('channels') == 'BGR' else pixels
        return pixels.permute(1, 2, 0).cpu().numpy()


def _cam_type(method: str) -> type:
    package = require_package('pytorch_grad_cam', 'class activation needs the package grad-cam')
    if method == 'eigencam':
        from .eigen_cam import EigenCAM  # needs the package

        return EigenCAM
    return getattr(package, (WITH_SCORE | WITHOUT_SCORE)[method])
