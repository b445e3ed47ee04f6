"""Training in mixed precision."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.optim import AmpOptimWrapper, OptimWrapperDict
from mmengine.optim.optimizer.amp_optimizer_wrapper import GradScaler
from torch import nn

from vitae_mm.compat import computes_bfloat16
from vitae_mm.errors import InputError
from vitae_mm.registry import OPTIM_WRAPPERS

from .bfloat16 import numpy_takes_bfloat16, run_mmcv_operators_in_float32

AMP_DTYPES = ('auto', 'bfloat16', 'float16')


@OPTIM_WRAPPERS.register_module()
class MixedPrecisionOptimWrapper(AmpOptimWrapper):
    """Runs the model under autocast, on CPUs and GPUs.

    bfloat16 has the range of float32 and needs no loss scaling. float16 is for GPUs without
    bfloat16. Operators of mmcv and code of the codebases that have no bfloat16 run in float32.

    Args:
        dtype (str): 'bfloat16'; 'float16', with loss scaling; or 'auto' for bfloat16 where the
            device has it, which are CPUs and GPUs since NVIDIA's Ampere, and float16 elsewhere.
            Defaults to 'auto'.
        loss_scale (str | float | dict): Scaling of the loss with float16, as in mmengine's
            ``AmpOptimWrapper``: 'dynamic', a constant, or options of ``GradScaler``. Defaults to
            'dynamic'.
        kwargs: Optimizer and further options of mmengine's ``OptimWrapper``.

    Raises:
        InputError: For an unknown dtype or loss scale, or a dtype that the device does not
            compute in.
    """

    def __init__(
        self, dtype: str = 'auto', loss_scale: str | float | dict = 'dynamic', **kwargs: Any
    ):
        # without the constructor of AmpOptimWrapper, which refuses CPUs
        super(AmpOptimWrapper, self).__init__(**kwargs)
        self.cast_dtype = getattr(torch, choose_dtype(dtype, get_device()))
        self._scale_update_param, options = None, {}
        if isinstance(loss_scale, dict):
            options = loss_scale
        elif isinstance(loss_scale, int | float) and not isinstance(loss_scale, bool):
            self._scale_update_param = float(loss_scale)
            options = dict(init_scale=self._scale_update_param)
        elif loss_scale != 'dynamic':
            raise InputError(
                f"loss_scale={loss_scale!r}: give 'dynamic', a number, or a dict of options of "
                'GradScaler.'
            )
        self.loss_scaler = GradScaler(enabled=self.cast_dtype == torch.float16, **options)
        run_mmcv_operators_in_float32()

    def load_state_dict(self, state_dict: dict) -> None:
        # the state of a run in bfloat16 has no loss scale
        if not state_dict.get('loss_scaler'):
            state_dict.pop('loss_scaler', None)
        super().load_state_dict(state_dict)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        with (
            super(AmpOptimWrapper, self).optim_context(model),
            torch.autocast(get_device(), dtype=self.cast_dtype),
            numpy_takes_bfloat16(),
        ):
            yield


def loss_scaling_wrappers(optim_wrapper: Any) -> list[AmpOptimWrapper]:
    """Returns the optimizer wrappers that scale the loss, and skip steps that overflow."""
    wrappers: Iterable[Any] = (
        optim_wrapper.values() if isinstance(optim_wrapper, OptimWrapperDict) else [optim_wrapper]
    )
    return [
        wrapper
        for wrapper in wrappers
        if isinstance(wrapper, AmpOptimWrapper) and wrapper.loss_scaler.is_enabled()
    ]


def choose_dtype(dtype: str, device: str) -> str:
    """Returns the dtype of autocast on a device.

    Args:
        dtype: One of :data:`AMP_DTYPES`.
        device: Type of the device, such as 'cuda'.

    Returns:
        'bfloat16' or 'float16'.

    Raises:
        InputError: If the dtype is unknown, or the device does not compute in it.
    """
    if dtype not in AMP_DTYPES:
        raise InputError(f'mixed precision with dtype={dtype!r}: choose from {AMP_DTYPES}.')
    if dtype == 'float16' and device == 'cpu':
        raise InputError(
            'float16 is for GPUs, but this run is on a CPU: use bfloat16, the default of --amp.'
        )
    if dtype == 'float16' or computes_bfloat16(device):
        return dtype if dtype == 'float16' else 'bfloat16'
    if dtype == 'bfloat16':
        raise InputError(
            f'{torch.cuda.get_device_name()} does not compute in bfloat16: use --amp float16, or '
            "dtype='float16' in optim_wrapper."
        )
    print_log(
        f'{torch.cuda.get_device_name()} does not compute in bfloat16: training in float16 with '
        'loss scaling.',
        logger='current',
    )
    return 'float16'
