"""Networks for other runtimes: exported programs and ONNX files."""
import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from vitae_mm.backbones import StagedBackbone
from vitae_mm.checkpoints import write_whole
from vitae_mm.errors import InputError
from vitae_mm.selfsup import MaskedViTAE

OPSET = 18
"""Of ONNX; TensorRT 10 reads it."""

INPUT = 'images'


class Deployed(nn.Module):
    """What is exported of a model: all of a classifier, else the backbone.

    Args:
        model: Of any of the codebases, in eval mode.

    Raises:
        InputError: For a masked autoencoder, and for other backbones than
            those of this package.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        backbone = getattr(model, 'backbone', None)
        if not isinstance(backbone, StagedBackbone):
            raise InputError(f'{type(model).__name__} with {type(backbone).__name__}: only ViTAE, '
                             'ViTAEv2 and CeiT are exported.')
        if isinstance(backbone, MaskedViTAE):
            raise InputError('a masked autoencoder computes a random part of an image and is not '
                             'for deployment: give the config and checkpoint of a finetuning.')
        from mmpretrain.models import BaseClassifier
        self.classifier = model if isinstance(model, BaseClassifier) else None
        self.backbone = backbone

    @property
    def output_names(self) -> list[str]:
        """'logits', or 'map0', 'map1', ... by stage."""
        if self.classifier is not None:
            return ['logits']
        return [f'map{index}' for index in self.backbone.out_indices]

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """
        Args:
            images: Normalised, (B, C, H, W).

        Returns:
            Logits (B, classes), or maps (B, D, H', W').
        """
        if self.classifier is None:
            return self.backbone(images)
        return (self.classifier(images, mode='tensor'), )


def export_program(network: nn.Module, images: Tensor, dynamic: bool = False) -> ExportedProgram:
    """The network by ``torch.export``.

    Args:
        network: In eval mode, on the device of the images.
        images: Of the shape to export for, (B, C, H, W).
        dynamic: Leave B, H and W open. Defaults to False.

    Raises:
        InputError: If it cannot be exported with open sizes.
    """
    shapes = None
    if dynamic:
        # a batch of one, or a side of one window, would be taken for a constant
        images = images.new_zeros(2, images.shape[1], *(max(side, 160) for side in images.shape[2:]))
        shapes = ({0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC}, )
    try:
        with torch.no_grad():
            return torch.export.export(network, (images, ), dynamic_shapes=shapes)
    except (RuntimeError, ValueError) as error:
        if not dynamic:
            raise
        raise InputError(f'this network cannot be exported with open sizes '
                         f'({str(error).splitlines()[0]}): export it for one size.') from error


def export_onnx(network: Deployed, path: Path, images: Tensor, dynamic: bool = False,
                metadata: dict[str, object] | None = None, tolerance: float = 1e-4) -> float:
    """Writes a network as an ONNX file, if ONNX Runtime gives its outputs.

    Args:
        network: In eval mode, on the CPU.
        path: File to write.
        images: Of the shape to export for, (B, C, H, W); what is compared.
        dynamic: Leave B, H and W open. Then an image of another size is
            compared as well. Defaults to False.
        metadata: Kept in the file, as JSON by key.
        tolerance: Largest difference that is accepted, as a share of the
            largest output. Defaults to 1e-4.

    Returns:
        The largest difference seen, as such a share.

    Raises:
        InputError: If the packages for ONNX are missing, the network cannot
            be exported, or outputs differ by more; no file is left then.
    """
    onnxruntime = _onnxruntime()
    program = export_program(network, images, dynamic)
    with _quiet():
        converted = torch.onnx.export(
            program, input_names=[INPUT], output_names=network.output_names, opset_version=OPSET,
            dynamo=True, verbose=False)
    for key, value in (metadata or {}).items():
        converted.model.metadata_props[key] = json.dumps(value)
    difference = 0.

    def write(temporary: Path) -> None:
        nonlocal difference
        converted.save(str(temporary), external_data=False)
        session = onnxruntime.InferenceSession(str(temporary), providers=['CPUExecutionProvider'])
        for sample in _samples(images, dynamic):
            difference = max(difference, _difference(network, session, sample))
        if not difference <= tolerance:
            raise InputError(f'ONNX Runtime gives outputs that differ by {difference:.1e} of the '
                             f'largest, more than {tolerance:.0e}: the file is not written.')

    write_whole(path, write)
    return difference


def describe(cfg: Config, classes: Sequence[str] | None) -> dict[str, object]:
    """What a program that runs the network must know: the normalisation of
    its images and the names of classes."""
    options = cfg.get('data_preprocessor') or cfg.model.get('data_preprocessor') or {}
    known = dict(mean=options.get('mean'), std=options.get('std'),
                 channels='RGB' if options.get('to_rgb') or options.get('bgr_to_rgb') else 'BGR',
                 classes=classes)
    return {key: value for key, value in known.items() if value is not None}


def _samples(images: Tensor, dynamic: bool) -> Iterator[Tensor]:
    yield images
    if dynamic:
        batch, channels, height, width = images.shape
        yield torch.randn(batch + 1, channels, height + 37, width + 90)


@torch.no_grad()
def _difference(network: Deployed, session: object, images: Tensor) -> float:
    expected = [output.numpy() for output in network(images)]
    given = session.run(network.output_names, {INPUT: images.numpy()})
    return max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(given, expected, strict=True))


def _onnxruntime() -> object:
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  torch converts with it
    except ImportError as error:
        raise InputError(f'ONNX files need the packages onnx, onnxscript and onnxruntime ({error}): '
                         'pip install -r requirements/optional.txt') from error
    return onnxruntime


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch and the converter say of their own insides."""
    logger = logging.getLogger('onnxscript')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)
