"""Networks for other runtimes: exported programs and ONNX files."""

import json
import logging
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from vitae_mm.backbones import StagedBackbone
from vitae_mm.engine.config import innermost, reads_files
from vitae_mm.engine.packages import require_package
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically
from vitae_mm.layers import WindowAttention
from vitae_mm.selfsup import MaskedViTAE

OPSET = 18
"""Of ONNX; TensorRT 10 reads it."""

INPUT = 'images'

LARGEST = 3 * 2**29
"""Bytes of weights in one file: above, torch puts them into another beside it."""


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
            raise InputError(
                f'{type(model).__name__} with {type(backbone).__name__}: only ViTAE, '
                'ViTAEv2 and CeiT are exported.'
            )
        if isinstance(backbone, MaskedViTAE):
            raise InputError(
                'a masked autoencoder computes a random part of an image and is not '
                'for deployment: give the config and checkpoint of a finetuning.'
            )
        self.classifier = model if _is_classifier(model) else None
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
        return (self.classifier(images, mode='tensor'),)


def export_program(network: nn.Module, images: Tensor, dynamic: bool = False) -> ExportedProgram:
    """The network by ``torch.export``.

    Args:
        network: In eval mode, on the device of the images.
        images: Of the shape to export for, (B, C, H, W).
        dynamic: Leave B, H and W open. Defaults to False.

    Raises:
        InputError: If it cannot be exported.
    """
    shapes = None
    if dynamic:
        if any(
            isinstance(module, WindowAttention) and module.shifted for module in network.modules()
        ):
            raise InputError(
                'shifted windows depend on the size of the map: export this network for one size.'
            )
        # a batch of one, or a side of one window, would be taken for a constant
        sides = (max(side, 160) for side in images.shape[2:])
        images = images.new_zeros(2, images.shape[1], *sides)
        shapes = ({0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC},)
    try:
        with torch.no_grad():
            return torch.export.export(network, (images,), dynamic_shapes=shapes)
    except InputError:
        raise
    except (RuntimeError, ValueError) as error:
        raise _refusal(
            'by torch.export',
            error,
            'export it for one size.'
            if dynamic
            else 'leave out options of your own that published networks do not have.',
        ) from error


def export_onnx(
    network: Deployed,
    path: Path,
    images: Tensor,
    dynamic: bool = False,
    metadata: dict[str, object] | None = None,
    tolerance: float = 1e-4,
) -> float:
    """Writes a network as an ONNX file, if ONNX Runtime gives its outputs.

    Args:
        network: In eval mode, on the CPU.
        path: File to write.
        images: Of the shape to export for, (B, C, H, W); what is compared.
        dynamic: Leave B, H and W open. Then images of other sizes are
            compared as well. Defaults to False.
        metadata: Kept in the file, as JSON by key.
        tolerance: Largest difference that is accepted, as a share of the
            largest output. Defaults to 1e-4.

    Returns:
        The largest difference seen, as such a share.

    Raises:
        InputError: If the packages for ONNX are missing, the network cannot
            be exported or is larger than ``LARGEST``, or outputs differ by
            more; no file is left then.
    """
    onnxruntime = require_onnxruntime()
    size = sum(value.nbytes for value in network.state_dict().values())
    if size > LARGEST:
        raise InputError(
            f'the weights take {size / 2**30:.1f} GiB, and an ONNX file holds '
            f'{LARGEST / 2**30} GiB at most: export a smaller network.'
        )
    program = export_program(network, images, dynamic)
    try:
        with _quiet():
            converted = torch.onnx.export(
                program,
                input_names=[INPUT],
                output_names=network.output_names,
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except (RuntimeError, ValueError) as error:
        raise _refusal(
            'to ONNX', error, 'try the versions of requirements/constraints.txt.'
        ) from error
    for key, value in (metadata or {}).items():
        converted.model.metadata_props[key] = json.dumps(value)
    content = converted.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=['CPUExecutionProvider'])
    differences = []
    for sample in _samples(images, dynamic):
        given = session.run(network.output_names, {INPUT: sample.numpy()})
        with torch.no_grad():
            expected = [output.numpy() for output in network(sample)]
        differences += map(relative_difference, given, expected)
    difference = max(differences)
    if difference > tolerance:
        raise InputError(
            f'ONNX Runtime gives outputs that differ by {difference:.1e} of the '
            f'largest, more than {tolerance:.0e}: the file is not written.'
        )
    write_atomically(path, lambda temporary: temporary.write_bytes(content))
    return difference


def describe(cfg: Config, classes: Sequence[str] | None) -> dict[str, object]:
    """What a program that runs the network must know, where the config says
    it: mean and std of its images, the order of their channels, and the names
    of classes."""
    # a model's own wins over the one beside it
    options = cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor') or {}
    known = dict(
        mean=options.get('mean'),
        std=options.get('std'),
        channels=_channel_order(cfg, options),
        classes=classes,
    )
    return {key: value for key, value in known.items() if value is not None}


def relative_difference(given: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference as a share of the largest expected number;
    infinite for other shapes and for what is not a number."""
    if given.shape != expected.shape or not np.isfinite(given).all():
        return math.inf
    largest = max(float(np.abs(expected).max()), np.finfo(np.float32).tiny)
    return float(np.abs(given - expected).max()) / largest


def require_onnxruntime() -> ModuleType:
    """ONNX Runtime.

    Raises:
        InputError: If a package for ONNX is missing.
    """
    need = 'ONNX files need the packages onnx, onnxscript and onnxruntime'
    onnxruntime = require_package('onnxruntime', need)
    require_package('onnxscript', need)  # torch converts with it
    return onnxruntime


def _is_classifier(model: nn.Module) -> bool:
    try:
        from mmpretrain.models import BaseClassifier
    except ImportError:  # one codebase is enough
        return False
    return isinstance(model, BaseClassifier)


def _channel_order(cfg: Config, options: Mapping) -> str | None:
    """Of the images that are normalised: as they are loaded, or turned."""
    if options.get('to_rgb') or options.get('bgr_to_rgb'):
        return 'RGB'
    if options.get('rgb_to_bgr'):
        return 'BGR'
    dataset = next(innermost(cfg.get('test_dataloader')), None)
    if dataset is None:
        return None
    # datasets that hold their images themselves, as CIFAR does, give RGB
    from_files = reads_files(dataset['pipeline'])
    return 'BGR' if from_files else 'RGB'


def _samples(images: Tensor, dynamic: bool) -> Iterator[Tensor]:
    yield images
    if dynamic:
        batch, channels, height, width = images.shape
        yield torch.randn(batch + 1, channels, height + 37, width + 90)
        yield torch.randn(1, channels, 48, 64)


def _refusal(how: str, error: Exception, remedy: str) -> InputError:
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    return InputError(f'this network cannot be exported {how} ({reason}): {remedy}')


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
