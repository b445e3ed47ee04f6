"""Parameters and multiply-adds of a model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from vitae_mm.engine.config import innermost
from vitae_mm.engine.models import without_values
from vitae_mm.errors import InputError
from vitae_mm.layers import PerformerAttention, next_multiple

SIZED = dict(
    Resize='scale', CenterCrop='crop_size', TopdownAffine='input_size', BottomupResize='input_size'
)
"""Transforms that decide the size of an image, and the option that says it."""

ROI_HEADS = ('StandardRoIHead', 'CascadeRoIHead')
"""Heads over regions that can be counted; others may take more than a map of
each region."""


@dataclass(frozen=True)
class Part:
    """A part of a model, and what it costs.

    Attributes:
        name: Name of the module; of the whole model, its class.
        parameters: How many.
        macs: Multiply-adds for one image; None where none were seen.
    """

    name: str
    parameters: int
    macs: int | None


def input_size(cfg: Config) -> tuple[int, int]:
    """Height and width of what the model sees in testing: with a kept aspect
    ratio the largest, with a sliding window the window.

    Raises:
        InputError: If the test pipeline does not decide it.
    """
    test_cfg = cfg.model.get('test_cfg') or {}
    if test_cfg.get('mode') == 'slide':
        return tuple(test_cfg.crop_size)
    dataset = next(innermost(cfg.get('test_dataloader')), {})
    pipeline = dataset.get('pipeline', [])
    steps = [step for step in pipeline if SIZED.get(step['type']) in step]
    if not steps:
        raise InputError(
            'the test pipeline does not resize images, so that their size is not '
            'known: give --size H W.'
        )
    size = steps[-1][SIZED[steps[-1]['type']]]
    width, height = (size, size) if isinstance(size, int) else size
    if steps[-1].get('keep_ratio'):
        # the longer and the shorter side, in any order
        height, width = sorted((height, width))
    preprocessor = cfg.model.get('data_preprocessor') or {}
    divisor = preprocessor.get('pad_size_divisor', 1)
    return next_multiple(height, divisor), next_multiple(width, divisor)


def count_parameters(model: nn.Module) -> int:
    """Numbers in the parameters, and in the Performers' random features, which
    are not trained but counted by the papers."""
    features = sum(
        module.features.numel()
        for module in model.modules()
        if isinstance(module, PerformerAttention)
    )
    return sum(p.numel() for p in model.parameters()) + features


def count_macs(module: nn.Module, size: Sequence[int], in_channels: int = 3) -> int:
    """Multiply-adds of the convolutions, matrix products and attention for
    one image. Nothing is computed: it takes about a second at any size.

    Args:
        module: Takes images (B, C, H, W), or is a model of a codebase; see
            :func:`count_parts`.
        size: Height and width of the image.
        in_channels: Its channels. Defaults to 3.

    Raises:
        InputError: If it does not take such an image, or has operations that
            depend on numbers.
    """
    return _macs_by_module(module, size, in_channels)['']


def count_parts(model: nn.Module, size: Sequence[int], in_channels: int = 3) -> list[Part]:
    """Cost of a model, and of each of its parts with parameters.

    Counted is what testing runs, up to what the heads put out, without
    decoding it. Heads over regions are counted with as many regions as
    testing takes at most; see :func:`region_limits`.

    Args:
        model: Of a codebase, or any module that takes images (B, C, H, W).
        size: Height and width of the image.
        in_channels: Its channels. Defaults to 3.

    Returns:
        The model, then its parts.

    Raises:
        InputError: As :func:`count_macs`.
    """
    macs = _macs_by_module(model, size, in_channels)
    whole = Part(type(model).__name__, count_parameters(model), macs[''])
    parts = ((name, module, count_parameters(module)) for name, module in _parts(model))
    return [
        whole,
        *(
            Part(name, parameters, _macs_of(name, module, macs) or None)
            for name, module, parameters in parts
            if parameters
        ),
    ]


def region_limits(model: nn.Module) -> dict[str, int]:
    """How many regions of an image the 'bbox' and the 'mask' heads of a
    detector are counted with; {} if it has no such heads, or of a kind that is
    not counted."""
    heads = getattr(model, 'roi_head', None)
    if type(heads).__name__ not in ROI_HEADS:
        return {}
    limits = dict(bbox=model.test_cfg.rpn.max_per_img, mask=model.test_cfg.rcnn.max_per_img)
    return {kind: limit for kind, limit in limits.items() if getattr(heads, f'with_{kind}')}


class _Testing(nn.Module):
    """What is counted of a model."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> None:
        if hasattr(self.model, 'roi_head'):
            maps = self.model.extract_feat(images)
            self.model.rpn_head(maps)
            self._region_heads(maps[0])
        elif isinstance(self.model, BaseModel):
            self.model(images, data_samples=None)
        else:
            self.model(images)

    def _region_heads(self, feature_map: torch.Tensor) -> None:
        """Runs them, each on as many maps as there can be regions."""
        heads = self.model.roi_head
        for kind, limit in region_limits(self.model).items():
            pairs = zip(
                _listed(getattr(heads, f'{kind}_head')),
                _listed(getattr(heads, f'{kind}_roi_extractor')),
            )
            for head, extractor in pairs:
                head(
                    feature_map.new_zeros(
                        limit, extractor.out_channels, *extractor.roi_layers[0].output_size
                    )
                )


def _macs_by_module(module: nn.Module, size: Sequence[int], in_channels: int) -> dict[str, int]:
    """Multiply-adds of every module that was called, by its name; '' is the
    whole."""
    # tensors of the meta device have shapes, but no numbers
    testing = _Testing(without_values(module))
    try:
        # the counter knows attention as its two matrix products, not as one CPU kernel
        with (
            torch.no_grad(),
            torch.device('meta'),
            sdpa_kernel(SDPBackend.MATH),
            FlopCounterMode(display=False) as counter,
        ):
            testing(torch.zeros(1, in_channels, *size))
    except RuntimeError as error:
        raise InputError(
            f'{type(module).__name__} cannot be counted for an image of {size[0]}x{size[1]} '
            f'({str(error).splitlines()[0]}): try another size, or count its backbone '
            'alone.'
        ) from error
    # it counts two operations for each multiply-add
    macs = {
        name.removeprefix('_Testing.model.'): sum(counts.values()) // 2
        for name, counts in counter.get_flop_counts().items()
    }
    return macs | {'': counter.get_total_flops() // 2}


def _parts(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The model's children, but of heads over regions their heads."""
    for name, child in model.named_children():
        if name == 'roi_head':
            yield from ((f'{name}.{kind}', head) for kind, head in child.named_children())
        else:
            yield name, child


def _macs_of(name: str, module: nn.Module, macs: dict[str, int]) -> int:
    """Those of a module, or of its children where only they were called."""
    if name in macs:
        return macs[name]
    return sum(_macs_of(f'{name}.{child}', inner, macs) for child, inner in module.named_children())


def _listed(module: nn.Module) -> Sequence[nn.Module]:
    return module if isinstance(module, nn.ModuleList) else [module]
