"""The cases to measure: steps of networks in their forms."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial

import torch
from mmengine.optim.optimizer.amp_optimizer_wrapper import GradScaler
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from vitae_mm.compat import fuses_optimizers, require_torch
from vitae_mm.engine.compilation import compile_backbone
from vitae_mm.engine.complexity import count_macs
from vitae_mm.engine.fusion import fuse_for_inference
from vitae_mm.errors import InputError

from .networks import Network

FORMS = ('eager', 'compiled', 'fused', 'fused+compiled')
DTYPES = ('float32', 'bfloat16', 'float16')

PASSES = dict(forward=1, train=3, step=3)
"""Multiply-adds of a step in each mode, as a multiple of those of the forward pass."""

MODES = tuple(PASSES)

MATMUL_SIDES = dict(cpu=2048, cuda=8192)


@dataclass(frozen=True)
class Setting:
    """What the cases of a table have in common.

    Attributes:
        mode: 'forward', in eval mode without gradients; 'train': forward, loss and backward; or
            'step': these, a step of AdamW, and removing the gradients.
        size: Height and width of the images.
        batch: Images per step and process.
        dtype: 'float32', or the dtype of autocast.
    """

    mode: str = 'forward'
    size: tuple[int, int] = (224, 224)
    batch: int = 1
    dtype: str = 'float32'

    def draw_images(self, device: torch.device) -> Tensor:
        """Returns random normalized images, (B, C, H, W)."""
        return torch.randn(self.batch, 3, *self.size, device=device)


@dataclass(frozen=True)
class Case:
    """A step to measure.

    Attributes:
        name: Network and form.
        step: Function that runs the step once and leaves no gradients.
        macs: Multiply-adds of a step; None if they cannot be counted.
        held_bytes: Function that returns the memory of weights and optimizer states between steps.
    """

    name: str
    step: Callable[[], object]
    macs: int | None = None
    held_bytes: Callable[[], int] = int


class _Loss(nn.Module):
    """The loss of a network as a module, for DDP."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.model = network.model
        self.loss = network.loss

    def forward(self, images: Tensor) -> Tensor:
        return self.loss(images)


def check_options(form: str, setting: Setting, device: torch.device) -> None:
    """Raises InputError if a form cannot be measured in a setting on a device."""
    if setting.mode != 'forward' and form.startswith('fused'):
        raise InputError(
            f'form {form} is for inference: give --mode forward, or --forms eager or compiled.'
        )
    if setting.dtype == 'float16' and device.type == 'cpu':
        if setting.mode != 'forward':
            raise InputError(
                f'--mode {setting.mode} --dtype float16: networks are not trained in float16 on a '
                'CPU; choose float32 or bfloat16.'
            )
        require_torch('2.3', 'float16 on a CPU')


def build_case(
    network: Network, images: Tensor, *, form: str, setting: Setting, parallel: bool = False
) -> Case:
    """Builds a step of a network, which is converted to the form in place.

    Args:
        network: From :func:`load_network`; must not be used elsewhere.
        images: Normalized images (B, C, H, W), on the device to measure.
        form: 'eager'; 'compiled', with ``torch.compile`` of the backbone; 'fused', by
            :func:`fuse_for_inference`; or 'fused+compiled'.
        setting: Mode and dtype of the step.
        parallel: Train with DDP in the process group of this process. Defaults to False.
    """
    device, mode, dtype = images.device, setting.mode, getattr(torch, setting.dtype)
    macs = None
    if network.predict is None:
        # a third-party network may run operations that cannot be counted
        with suppress(Exception):
            macs = PASSES[mode] * len(images) * count_macs(network.model, images.shape[2:])
    model = network.model.to(device).train(mode != 'forward')
    if form.startswith('fused'):
        fuse_for_inference(model)
    if form.endswith('compiled'):
        compile_backbone(network.core)
    predict, loss = network.predict or model, network.loss
    if parallel:
        # buffers stay those of each process, as in mmengine's training
        devices = [device] if device.type == 'cuda' else None
        loss = DistributedDataParallel(_Loss(network), devices, broadcast_buffers=False)
    autocast: Callable[[], AbstractContextManager] = nullcontext
    if dtype != torch.float32:
        autocast = partial(torch.autocast, device.type, dtype=dtype)
    optimizer = None
    if mode == 'step':
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=1e-5, fused=fuses_optimizers(device))
    scaler = GradScaler(enabled=mode == 'step' and dtype == torch.float16)

    def forward() -> None:
        with torch.no_grad(), autocast():
            predict(images)

    def train() -> None:
        try:
            with autocast():
                value = loss(images)
            scaler.scale(value).backward()
            if optimizer:
                scaler.step(optimizer)
                scaler.update()
        finally:
            model.zero_grad(set_to_none=True)

    def held_bytes() -> int:
        states = [
            t for state in (optimizer.state if optimizer else {}).values() for t in state.values()
        ]
        return sum(t.nbytes for t in [*model.parameters(), *model.buffers(), *states])

    step = forward if mode == 'forward' else train
    return Case(f'{network.name} {form}', step, macs, held_bytes)


def matmul_case(device: torch.device, dtype: str = 'float32') -> Case:
    """Builds the product of two large square matrices, whose rate of multiply-adds is close to the
    maximum of a device and dtype."""
    side = MATMUL_SIDES[device.type]
    a, b = torch.randn(2, side, side, device=device, dtype=getattr(torch, dtype))
    out = torch.empty_like(a)
    return Case('matmul', lambda: torch.mm(a, b, out=out), side**3)
