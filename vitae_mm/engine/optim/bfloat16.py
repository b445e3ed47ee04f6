"""Mixed precision with bfloat16 on any device."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper
from mmengine.utils import apply_to
from torch import Tensor, nn

from vitae_mm.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Runs the model under autocast to bfloat16, which needs no loss scaling, on any device.

    mmengine's ``AmpOptimWrapper`` requires an accelerator. mmcv's RoIAlign and NMS, which have no
    bfloat16 kernels, run in float32, and mmpose's heads measure their accuracy in float32.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        _run_mmcv_ops_in_float32()
        _measure_in_float32()

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        with super().optim_context(model), torch.autocast(get_device(), dtype=torch.bfloat16):
            yield


def _run_mmcv_ops_in_float32() -> None:
    """Makes mmcv's operators without bfloat16 kernels convert their inputs to float32."""
    try:
        from mmcv.ops.nms import NMSop
        from mmcv.ops.roi_align import RoIAlignFunction
    except ModuleNotFoundError:
        return  # mmcv without operators

    for function in (NMSop, RoIAlignFunction):
        if not hasattr(function, 'in_float32'):
            function.in_float32 = True
            function.forward = staticmethod(partial(_forward_in_float32, function.forward))
            function.backward = staticmethod(partial(_backward_in_float32, function.backward))


def _forward_in_float32(forward: Callable, ctx: Any, first: Tensor, *others: Any) -> Tensor:
    out = forward(
        ctx,
        first.float(),
        *(x.float() if isinstance(x, Tensor) and x.is_floating_point() else x for x in others),
    )
    return out.to(first.dtype) if out.is_floating_point() else out


def _backward_in_float32(backward: Callable, ctx: Any, grad: Tensor) -> Any:
    return backward(ctx, grad.float())


def _measure_in_float32() -> None:
    """Makes mmpose's heads convert bfloat16, which NumPy lacks, to float32."""
    modules: dict[str, Any] = dict(sys.modules)
    for name, module in modules.items():
        to_numpy = getattr(module, 'to_numpy', None)
        if (
            name.startswith('mmpose.models.heads')
            and to_numpy
            and not isinstance(to_numpy, partial)
        ):
            module.to_numpy = partial(_float32_to_numpy, to_numpy)


def _float32_to_numpy(to_numpy: Callable, x: Any, **kwargs: bool) -> Any:
    return to_numpy(apply_to(x, _is_bfloat16, Tensor.float), **kwargs)


def _is_bfloat16(x: Any) -> bool:
    return isinstance(x, Tensor) and x.dtype == torch.bfloat16
