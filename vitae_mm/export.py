"""Exporting networks with ``torch.export`` and to ONNX."""

import json
import logging
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn

from vitae_mm.backbones import StagedBackbone
from vitae_mm.compat import require_torch
from vitae_mm.engine.config import leaf_datasets, loads_image_files
from vitae_mm.engine.packages import require_package
from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically
from vitae_mm.layers import WindowAttention
from vitae_mm.selfsup import MaskedViTAE

if TYPE_CHECKING:
    from torch.export import ExportedProgram

OPSET = 18
"""ONNX opset, supported by TensorRT 10."""

INPUT = 'images'

MAX_WEIGHT_BYTES = 3 * 2**29
"""Maximum size of the weights; above it, torch writes them to a second file."""


class DeployedNetwork(nn.Module):
    """The exported part of a model: a whole classifier, otherwise the backbone.

    Args:
        model: Model of any codebase, in eval mode.

    Raises:
        InputError: For masked autoencoders, and for backbones other than ViTAE, ViTAEv2 and CeiT.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        backbone = getattr(model, 'backbone', None)
        if not isinstance(backbone, StagedBackbone):
            raise InputError(
                f'{type(model).__name__} with {type(backbone).__name__}: only ViTAE, ViTAEv2 and '
                'CeiT can be exported.'
            )
        if isinstance(backbone, MaskedViTAE):
            raise InputError(
                'a masked autoencoder encodes a random part of an image and cannot be deployed: '
                'give the config and checkpoint of a finetuned model.'
            )
        self.classifier = model if _is_classifier(model) else None
        self.backbone = backbone

    @property
    def output_names(self) -> list[str]:
        """'logits' for a classifier, otherwise 'map0', 'map1', ... by stage."""
        if self.classifier is not None:
            return ['logits']
        return [f'map{index}' for index in self.backbone.out_indices]

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """
        Args:
            images: Normalized images, (B, C, H, W).

        Returns:
            Logits (B, classes), or maps (B, D, H', W').
        """
        if self.classifier is None:
            return self.backbone(images)
        return (self.classifier(images, mode='tensor'),)


def export_program(network: nn.Module, images: Tensor, dynamic: bool = False) -> 'ExportedProgram':
    """Exports a network with ``torch.export``.

    Args:
        network: In eval mode, on the device of the images.
        images: Example input, (B, C, H, W).
        dynamic: Make B, H and W dynamic. Defaults to False.

    Raises:
        InputError: If the network cannot be exported, or PyTorch is older than 2.6.
    """
    require_torch('2.6', 'exporting a network')
    from torch.export import Dim

    shapes = None
    if dynamic:
        if any(
            isinstance(module, WindowAttention) and module.shifted for module in network.modules()
        ):
            raise InputError(
                'shifted windows depend on the size of the map: export this network for one size.'
            )
        # torch would treat a batch of one, or a side of one window, as constant
        sides = (max(side, 160) for side in images.shape[2:])
        images = images.new_zeros(2, images.shape[1], *sides)
        shapes = ({0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC},)
    try:
        with torch.no_grad():
            return torch.export.export(network, (images,), dynamic_shapes=shapes)
    except InputError:
        raise
    except (RuntimeError, ValueError) as error:
        remedy = (
            'export it for one size.'
            if dynamic
            else 'remove custom options that the published networks do not have.'
        )
        raise _export_error('with torch.export', error, remedy) from error


def export_onnx(
    network: DeployedNetwork,
    path: Path,
    images: Tensor,
    *,
    dynamic: bool = False,
    metadata: dict[str, object] | None = None,
    tolerance: float = 1e-4,
) -> float:
    """Exports a network to ONNX, and compares ONNX Runtime's outputs with the network's.

    Args:
        network: In eval mode, on the CPU.
        path: File to write.
        images: Input of the export and of the comparison, (B, C, H, W).
        dynamic: Make B, H and W dynamic, and compare at other sizes too. Defaults to False.
        metadata: Entries to store in the file, as JSON.
        tolerance: Maximum difference, relative to the largest output. Defaults to 1e-4.

    Returns:
        The largest relative difference.

    Raises:
        InputError: If a package is missing, the network cannot be exported or has more than
            ``MAX_WEIGHT_BYTES`` of weights, or the outputs differ; then no file is written.
    """
    onnxruntime = require_onnxruntime()
    size = sum(value.nbytes for value in network.state_dict().values())
    if size > MAX_WEIGHT_BYTES:
        raise InputError(
            f'the weights take {size / 2**30:.1f} GiB, and an ONNX file can contain at most '
            f'{MAX_WEIGHT_BYTES / 2**30} GiB: export a smaller network.'
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
        remedy = 'try the versions in requirements/constraints-onedl.txt.'
        raise _export_error('to ONNX', error, remedy) from error
    assert converted is not None  # it is None only for dynamo=False
    for key, value in (metadata or {}).items():
        converted.model.metadata_props[key] = json.dumps(value)
    content = converted.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=['CPUExecutionProvider'])
    samples = [images]
    if dynamic:
        batch, channels, height, width = images.shape
        samples += [
            torch.randn(batch + 1, channels, height + 37, width + 90),
            torch.randn(1, channels, 48, 64),
        ]
    difference = 0.0
    for sample in samples:
        given = session.run(network.output_names, {INPUT: sample.numpy()})
        with torch.no_grad():
            expected = [output.numpy() for output in network(sample)]
        difference = max(difference, *map(relative_difference, given, expected))
    if difference > tolerance:
        raise InputError(
            f"ONNX Runtime's outputs differ by {difference:.1e} of the largest, more than "
            f'{tolerance:.0e}: the file is not written.'
        )
    write_atomically(path, lambda temporary: temporary.write_bytes(content))
    return difference


def describe(cfg: Config, classes: Sequence[str] | None) -> dict[str, object]:
    """Returns what a program needs to run the network, as far as it is known: ``mean`` and ``std``
    of the images, the order of their ``channels``, and the names of the ``classes``."""
    # a preprocessor in the model takes precedence
    options = cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor') or {}
    known = dict(
        mean=options.get('mean'),
        std=options.get('std'),
        channels=_channel_order(cfg, options),
        classes=classes,
    )
    return {key: value for key, value in known.items() if value is not None}


def relative_difference(given: np.ndarray, expected: np.ndarray) -> float:
    """Returns the largest difference, relative to the largest expected value; infinity if the
    shapes differ or a value is not finite."""
    if given.shape != expected.shape or not np.isfinite(given).all():
        return math.inf
    largest = max(float(np.abs(expected).max()), np.finfo(np.float32).tiny)
    return float(np.abs(given - expected).max()) / largest


def require_onnxruntime() -> ModuleType:
    """Imports ONNX Runtime.

    Raises:
        InputError: If a package for ONNX is missing.
    """
    need = 'ONNX files need the packages onnx, onnxscript and onnxruntime'
    require_package('onnxscript', need)  # torch converts with it
    return require_package('onnxruntime', need)


def _is_classifier(model: nn.Module) -> bool:
    try:
        from mmpretrain.models import BaseClassifier
    except ImportError:  # only another codebase is installed
        return False
    return isinstance(model, BaseClassifier)


def _channel_order(cfg: Config, options: Mapping) -> str | None:
    """Channel order of the normalized images: converted by the preprocessor, or as loaded."""
    if options.get('to_rgb') or options.get('bgr_to_rgb'):
        return 'RGB'
    if options.get('rgb_to_bgr'):
        return 'BGR'
    dataset = next(leaf_datasets(cfg.get('test_dataloader')), None)
    if dataset is None:
        return None
    # datasets that contain the images themselves, such as CIFAR, provide RGB
    return 'BGR' if loads_image_files(dataset['pipeline']) else 'RGB'


def _export_error(how: str, error: Exception, remedy: str) -> InputError:
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    return InputError(f'this network cannot be exported {how} ({reason}): {remedy}')


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences the converter's warnings and log messages about its internals."""
    logger = logging.getLogger('onnxscript')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)
