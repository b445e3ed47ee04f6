"""What libraries lack in bfloat16, computed in float32 instead."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import torch
from mmengine.utils import apply_to
from torch import Tensor
from torch.autograd import Function


@cache
def run_mmcv_operators_in_float32() -> None:
    """Makes mmcv's differentiable operators, most of which have no bfloat16 kernels, convert
    bfloat16 tensors to float32. Outputs have the dtype of the first input, as heads expect."""
    try:
        import mmcv.ops  # noqa: F401
    except ModuleNotFoundError:
        return  # mmcv without operators

    for function in Function.__subclasses__():
        if function.__module__.startswith('mmcv.ops.'):
            forward: Any = partial(_forward_in_float32, function.forward)
            backward: Any = partial(_backward_in_float32, function.backward)
            function.forward = staticmethod(forward)  # type: ignore[method-assign]
            function.backward = staticmethod(backward)  # type: ignore[method-assign]


@contextmanager
def numpy_takes_bfloat16() -> Iterator[None]:
    """Converts bfloat16 tensors, which NumPy has no dtype for, to float32 arrays, as for the
    accuracy that mmpose's heads measure while they train."""
    outer, to_numpy = Tensor.__dict__.get('numpy'), Tensor.numpy

    def numpy(x: Any, **options: bool) -> Any:
        return to_numpy(x.float() if x.dtype == torch.bfloat16 else x, **options)

    Tensor.numpy = numpy  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        del Tensor.numpy  # inherited from a base class
        if outer is not None:
            Tensor.numpy = outer  # type: ignore[method-assign]


def _forward_in_float32(forward: Callable, ctx: Any, first: Any, *args: Any, **kwargs: Any) -> Any:
    x, args, kwargs = apply_to((first, args, kwargs), _is_bfloat16, Tensor.float)
    out = forward(ctx, x, *args, **kwargs)
    return apply_to(out, _is_float32, Tensor.bfloat16) if _is_bfloat16(first) else out


def _backward_in_float32(backward: Callable, ctx: Any, *grads: Any) -> Any:
    return backward(ctx, *apply_to(grads, _is_bfloat16, Tensor.float))


def _is_float32(x: Any) -> bool:
    return isinstance(x, Tensor) and x.dtype == torch.float32


def _is_bfloat16(x: Any) -> bool:
    return isinstance(x, Tensor) and x.dtype == torch.bfloat16
