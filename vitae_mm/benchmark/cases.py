"""The cases to measure: steps of networks in their forms."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from vitae_mm.compat import compile_module, require_torch
from vitae_mm.engine.complexity import count_macs
from vitae_mm.engine.fusion import fuse_for_inference
from vitae_mm.errors import InputError

from .networks import Network

MODES = ('forward', 'train')
FORMS = ('eager', 'compiled', 'fused', 'fused+compiled')
DTYPES = ('float32', 'bfloat16', 'float16')

MATMUL_SIDES = dict(cpu=2048, cuda=8192)

PASSES = dict(forward=1, train=3)
"""Multiply-adds of a step, as a multiple of those of the forward pass."""


@dataclass(frozen=True)
class Case:
    """A step to measure.

    Attributes:
        name: Network and form.
        step: Function that runs the step once and leaves no gradients.
        macs: Multiply-adds of a step; None if they cannot be counted.
    """

    name: str
    step: Callable[[], object]
    macs: int | None = None


def build_case(
    network: Network, images: Tensor, *, form: str, mode: str, dtype: str = 'float32'
) -> Case:
    """Builds a step of a network, which is converted to the form in place.

    Args:
        network: From :func:`load_network`; must not be used elsewhere.
        images: Normalized images (B, C, H, W), on the device to measure.
        form: 'eager'; 'compiled', with ``torch.compile`` of the backbone; 'fused', by
            :func:`fuse_for_inference`; or 'fused+compiled'.
        mode: 'forward', in eval mode without gradients; or 'train': forward, loss and backward,
            without the optimizer.
        dtype: 'float32', or the dtype of autocast. Defaults to 'float32'.

    Raises:
        InputError: If mode is 'train' and the form is fused, or if PyTorch lacks this dtype.
    """
    if mode == 'train' and form.startswith('fused'):
        raise InputError(
            f'form {form} is for inference: give --mode forward, or --forms eager or compiled.'
        )
    if dtype == 'float16' and images.device.type == 'cpu':
        require_torch('2.3', 'float16 on a CPU')
    macs = None
    if network.predict is None:
        # a third-party network may run operations that cannot be counted
        with suppress(Exception):
            macs = PASSES[mode] * len(images) * count_macs(network.model, images.shape[2:])
    model = network.model.to(images.device).train(mode == 'train')
    if form.startswith('fused'):
        fuse_for_inference(model)
    if form.endswith('compiled'):
        compile_module(network.core, dynamic=False)
    predict, kind = network.predict or model, getattr(torch, dtype)
    autocast: Callable[[], AbstractContextManager] = nullcontext
    if kind != torch.float32:
        autocast = partial(torch.autocast, images.device.type, dtype=kind)

    def forward() -> None:
        with torch.no_grad(), autocast():
            predict(images)

    def train() -> None:
        try:
            with autocast():
                loss = network.loss(images)
            loss.backward()
        finally:
            model.zero_grad(set_to_none=True)

    return Case(f'{network.name} {form}', train if mode == 'train' else forward, macs)


def matmul_case(device: torch.device, dtype: str = 'float32') -> Case:
    """Builds the product of two large square matrices, whose rate of multiply-adds is close to the
    maximum of a device and dtype."""
    side = MATMUL_SIDES[device.type]
    a, b = torch.randn(2, side, side, device=device, dtype=getattr(torch, dtype))
    out = torch.empty_like(a)
    return Case('matmul', lambda: torch.mm(a, b, out=out), side**3)
