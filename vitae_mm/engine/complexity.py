"""Counting the parameters and multiply-adds of a model."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import BaseModel
from torch import nn

from vitae_mm.compat import flop_counter, plain_attention
from vitae_mm.errors import InputError
from vitae_mm.layers import PerformerAttention, next_multiple

from .config import leaf_datasets
from .models import meta_copy

SIZE_OPTIONS = dict(
    Resize='scale', CenterCrop='crop_size', TopdownAffine='input_size', BottomupResize='input_size'
)
"""Transforms that set the image size, and their option for it."""

ROI_HEADS = ('StandardRoIHead', 'CascadeRoIHead')
"""RoI heads that can be counted; others may need more inputs than region features."""


@dataclass(frozen=True)
class ModuleCost:
    """Cost of a module.

    Attributes:
        name: Name of the module in the model; the class name for the whole model.
        parameters: Number of parameters.
        macs: Multiply-adds for one image; None if the module does not run during testing.
    """

    name: str
    parameters: int
    macs: int | None


def input_size(cfg: Config) -> tuple[int, int]:
    """Returns the height and width of the model's input during testing: the largest size if the
    aspect ratio is kept, the window size for sliding-window inference.

    Raises:
        InputError: If the test pipeline does not set the size.
    """
    test_cfg = cfg.model.get('test_cfg') or {}
    if test_cfg.get('mode') == 'slide':
        return tuple(test_cfg['crop_size'])
    dataset = next(leaf_datasets(cfg.get('test_dataloader')), ConfigDict())
    resizes = [t for t in dataset.get('pipeline', []) if SIZE_OPTIONS.get(t['type']) in t]
    if not resizes:
        raise InputError(
            'the test pipeline does not resize images, so their size is unknown: give --size H W.'
        )
    last = resizes[-1]
    size = last[SIZE_OPTIONS[last['type']]]
    width, height = (size, size) if isinstance(size, int) else size
    if last.get('keep_ratio'):
        # the scale contains the shorter and the longer side in either order
        height, width = sorted((height, width))
    divisor = (cfg.model.get('data_preprocessor') or {}).get('pad_size_divisor', 1)
    return next_multiple(height, divisor), next_multiple(width, divisor)


def count_parameters(model: nn.Module) -> int:
    """Returns the number of parameters, including the random features of Performers: they are not
    trained, but the papers count them."""
    features = sum(
        module.features.numel()
        for module in model.modules()
        if isinstance(module, PerformerAttention)
    )
    return sum(p.numel() for p in model.parameters()) + features


def count_macs(module: nn.Module, size: Sequence[int], in_channels: int = 3) -> int:
    """Counts the multiply-adds of convolutions, matrix products and attention for one image.

    Runs on the meta device; takes about a second at any size.

    Args:
        module: A model of a codebase, or any module that takes images (B, C, H, W).
        size: Height and width of the image.
        in_channels: Channels of the image. Defaults to 3.

    Raises:
        InputError: If the module does not support this size, or if its operations depend on
            tensor values.
    """
    return _macs_by_module(module, size, in_channels)['']


def count_parts(model: nn.Module, size: Sequence[int], in_channels: int = 3) -> list[ModuleCost]:
    """Counts the cost of a model and of each part that has parameters.

    The count covers everything that runs during testing, up to the raw outputs of the heads. RoI
    heads are counted with the maximum number of regions; see :func:`region_limits`.

    Args:
        model: A model of a codebase, or any module that takes images (B, C, H, W).
        size: Height and width of the image.
        in_channels: Channels of the image. Defaults to 3.

    Returns:
        The cost of the model, then of its parts.

    Raises:
        InputError: See :func:`count_macs`.
    """
    macs = _macs_by_module(model, size, in_channels)
    costs = [ModuleCost(type(model).__name__, count_parameters(model), macs[''])]
    for name, module in _parts(model):
        if parameters := count_parameters(module):
            costs.append(ModuleCost(name, parameters, _macs_of(name, module, macs) or None))
    return costs


def region_limits(model: Any) -> dict[str, int]:
    """Returns the number of regions per image for which the 'bbox' and 'mask' heads of a detector
    are counted; {} if it has no RoI heads or they cannot be counted."""
    roi_head = getattr(model, 'roi_head', None)
    if type(roi_head).__name__ not in ROI_HEADS:
        return {}
    limits = dict(bbox=model.test_cfg.rpn.max_per_img, mask=model.test_cfg.rcnn.max_per_img)
    return {kind: limit for kind, limit in limits.items() if getattr(roi_head, f'with_{kind}')}


class _Testing(nn.Module):
    """Runs the part of a model that is counted."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> None:
        if hasattr(self.model, 'roi_head'):
            maps = self.model.extract_feat(images)
            self.model.rpn_head(maps)
            self._run_roi_heads(maps[0])
        elif isinstance(self.model, BaseModel):
            self.model(images, data_samples=None)
        else:
            self.model(images)

    def _run_roi_heads(self, feature_map: torch.Tensor) -> None:
        roi_head = self.model.roi_head
        for kind, limit in region_limits(self.model).items():
            heads = _as_list(getattr(roi_head, f'{kind}_head'))
            extractors = _as_list(getattr(roi_head, f'{kind}_roi_extractor'))
            for head, extractor in zip(heads, extractors, strict=True):
                size = extractor.roi_layers[0].output_size
                head(feature_map.new_zeros(limit, extractor.out_channels, *size))


def _as_list(module: Any) -> Iterable[Any]:
    """The modules of a cascade's stages, or a single module."""
    return module if isinstance(module, nn.ModuleList) else [module]


def _macs_by_module(module: nn.Module, size: Sequence[int], in_channels: int) -> dict[str, int]:
    """Maps the name of every module that runs, '' for the whole, to its multiply-adds."""
    testing = _Testing(meta_copy(module))
    try:
        # only with this backend does the counter see attention as two matrix products
        with (
            torch.no_grad(),
            torch.device('meta'),
            plain_attention(),
            flop_counter(testing) as counter,
        ):
            testing(torch.zeros(1, in_channels, *size))
    except RuntimeError as error:
        raise InputError(
            f'{type(module).__name__} cannot be counted for an image of {size[0]}x{size[1]} '
            f'({str(error).splitlines()[0]}): try another size, or count only its backbone.'
        ) from error
    # the counter counts two operations for each multiply-add
    macs = {
        name.removeprefix('_Testing.model.'): sum(counts.values()) // 2
        for name, counts in counter.get_flop_counts().items()
    }
    return macs | {'': counter.get_total_flops() // 2}


def _parts(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The children of a model, with a RoI head replaced by its children."""
    for name, child in model.named_children():
        if name == 'roi_head':
            yield from ((f'{name}.{kind}', head) for kind, head in child.named_children())
        else:
            yield name, child


def _macs_of(name: str, module: nn.Module, macs: dict[str, int]) -> int:
    """Multiply-adds of a module, or the sum of its children's if only they run."""
    if name in macs:
        return macs[name]
    return sum(_macs_of(f'{name}.{child}', inner, macs) for child, inner in module.named_children())
