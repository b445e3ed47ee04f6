"""What differs between the supported versions of PyTorch and of the OpenMMLab packages.

Each entry says since when its replacement exists; it can go once that is the oldest version
supported.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from vitae_mm.errors import InputError

TORCH = tuple(int(part) for part in torch.__version__.split('.')[:2])
"""Major and minor version of PyTorch."""

if TORCH >= (2, 4):
    from torch.fx.experimental.symbolic_shapes import statically_known_true


def is_compiling() -> bool:
    """``torch.compiler.is_compiling``, since PyTorch 2.3."""
    if TORCH >= (2, 3):
        return torch.compiler.is_compiling()
    return torch._utils.is_compiling()


def compile_module(module: nn.Module, **options: Any) -> None:
    """``module.compile(**options)``, since PyTorch 2.2."""
    if TORCH >= (2, 2):
        module.compile(**options)
    else:
        module.forward = torch.compile(module.forward, **options)


def is_known(condition: bool | torch.SymBool) -> bool:
    """``torch.fx.experimental.symbolic_shapes.statically_known_true``, since PyTorch 2.4.

    Whether a condition on sizes holds. Conditions on symbolic sizes, as in compiled or exported
    networks that take any size, do not, unless they hold for every size.
    """
    if TORCH >= (2, 4):
        return statically_known_true(condition)
    return bool(condition)


def add_load_hook(module: nn.Module, hook: Callable) -> None:
    """``module.register_load_state_dict_pre_hook``, since PyTorch 2.5."""
    module._register_load_state_dict_pre_hook(hook, with_module=True)


def plain_attention() -> AbstractContextManager:
    """``torch.nn.attention.sdpa_kernel(SDPBackend.MATH)``, since PyTorch 2.3."""
    if TORCH >= (2, 3):
        from torch.nn.attention import SDPBackend, sdpa_kernel

        return sdpa_kernel(SDPBackend.MATH)
    return torch.backends.cuda.sdp_kernel(enable_flash=False, enable_mem_efficient=False)


def flop_counter(module: nn.Module) -> FlopCounterMode:
    """``FlopCounterMode(display=False)``, which knows the modules that run since PyTorch 2.4.

    Before that, hooks that stay on the module tell it; its own ones change tuples of inputs.
    """
    counter: Any = FlopCounterMode(display=False)

    def leave(*_: object) -> None:
        counter.parents.pop()

    if TORCH < (2, 4):
        for name, part in module.named_modules():
            path = '.'.join(filter(None, (type(module).__name__, name)))
            part.register_forward_pre_hook(lambda *_, path=path: counter.parents.append(path))
            part.register_forward_hook(leave)
    return counter


def event_start(event: Any) -> int:
    """``event.start_ns()`` of a profiler's event, in any unit; since PyTorch 2.4."""
    return event.start_ns() if TORCH >= (2, 4) else event.start_us()


def computes_bfloat16(device: str) -> bool:
    """Whether a type of device, such as 'cuda', computes in bfloat16 without emulation.

    ``torch.cuda.is_bf16_supported`` also says so, but counts emulation since PyTorch 2.4.
    """
    if device != 'cuda' or torch.version.hip:
        return True
    return torch.cuda.get_device_capability() >= (8, 0)


def fuses_optimizers(device: torch.device) -> bool:
    """Whether optimizers take ``fused=True``; on CPUs since PyTorch 2.4."""
    return device.type == 'cuda' or TORCH >= (2, 4)


def require_torch(version: str, feature: str) -> None:
    """Refuses a feature that the installed version of PyTorch does not have.

    Args:
        version: First version that has it, such as '2.6'.
        feature: Start of the message.

    Raises:
        InputError: If the installed version is older.
    """
    if tuple(map(int, version.split('.'))) > TORCH:
        raise InputError(
            f'{feature} requires PyTorch {version} or later, but this is {torch.__version__}: '
            'use a newer environment (requirements/constraints-onedl.txt).'
        )
