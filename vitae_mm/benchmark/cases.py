"""A step of a network in one form."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from vitae_mm.engine.complexity import count_macs
from vitae_mm.engine.inference import compile_backbone, fuse_for_inference
from vitae_mm.errors import InputError

from .networks import Network

MODES = ('forward', 'train')
FORMS = ('eager', 'compiled', 'fused', 'fused+compiled')
DTYPES = ('float32', 'bfloat16', 'float16')

MATMUL_SIZES: Mapping[str, int] = dict(cpu=2048, cuda=8192)
"""Side of the square matrices of :func:`matmul_case`."""

PASSES = dict(forward=1, train=3)
"""Multiply-adds of a step, as a multiple of those of the forward pass."""


@dataclass(frozen=True)
class Case:
    """What is measured.

    Attributes:
        name: Network and form.
        step: Runs it once; returns nothing and leaves no gradients.
        macs: Multiply-adds of a step; None if they cannot be counted.
    """

    name: str
    step: Callable[[], None]
    macs: int | None = None


def build_case(
    network: Network, form: str, mode: str, images: Tensor, dtype: str = 'float32'
) -> Case:
    """A step of a network, which is changed to the form.

    Args:
        network: Of :func:`load_network`; not used anywhere else.
        form: 'eager'; 'compiled' with ``torch.compile`` of the backbone;
            'fused' by :func:`fuse_for_inference`; or 'fused+compiled'.
        mode: 'forward' in eval mode without gradients, or 'train': forward,
            loss and backward, without the optimizer.
        images: Normalised, (B, C, H, W), on the device to measure on.
        dtype: 'float32', else that of autocast.

    Raises:
        InputError: For 'train' in a fused form.
    """
    if mode == 'train' and form.startswith('fused'):
        raise InputError(
            f'form {form} is for inference: give --mode forward, or --form eager or compiled.'
        )
    macs = None
    if network.countable:
        # networks of other projects may do what cannot be counted, but timed
        with suppress(Exception):
            macs = PASSES[mode] * len(images) * count_macs(network.model, images.shape[2:])
    model = network.model.to(images.device).train(mode == 'train')
    if form.startswith('fused'):
        fuse_for_inference(model)
    if form.endswith('compiled'):
        compile_backbone(network.core)
    kind = getattr(torch, dtype)

    def autocast() -> torch.autocast:
        return torch.autocast(images.device.type, kind, kind != torch.float32)

    def forward() -> None:
        with torch.no_grad(), autocast():
            network.predict(images)

    def train() -> None:
        try:
            with autocast():
                loss = network.loss(images)
            loss.backward()
        finally:
            model.zero_grad(set_to_none=True)

    return Case(f'{network.name} {form}', train if mode == 'train' else forward, macs)


def matmul_case(device: torch.device, dtype: str = 'float32') -> Case:
    """The product of two large square matrices: about the most multiply-adds
    in a second that can be had in this dtype."""
    side = MATMUL_SIZES[device.type]
    a, b = (torch.randn(side, side, device=device, dtype=getattr(torch, dtype)) for _ in range(2))
    out = torch.empty_like(a)
    return Case('matmul', lambda: torch.mm(a, b, out=out), prod((side,) * 3))
