"""Fully sharded data parallel training (FSDP)."""

from functools import partial
from typing import Any

import torch
from mmengine._strategy import FSDPStrategy as MMEngineFSDPStrategy
from mmengine.optim import OptimWrapper
from torch import Tensor, nn
from torch.distributed.fsdp import FullyShardedDataParallel

from vitae_mm.backbones.ceit import CeiTBlock
from vitae_mm.backbones.cells import NormalCell, ReductionCell
from vitae_mm.compat import require_torch
from vitae_mm.errors import InputError
from vitae_mm.registry import FUNCTIONS, STRATEGIES

from .models import meta_copy
from .optim.mixed_precision import loss_scaling_wrappers


@STRATEGIES.register_module()
class FSDPStrategy(MMEngineFSDPStrategy):
    """mmengine's FSDP strategy, adapted so that configs written for DDP work unchanged.

    Unlike mmengine's, it gathers parameters one cell at a time, runs on CPUs, applies
    ``paramwise_cfg`` to the original names and dimensions of parameters, clips gradients by the
    norm over all processes, resumes training, and writes the same checkpoints as DDP.

    Args:
        model_wrapper (dict, optional): Options of mmengine's ``MMFullyShardedDataParallel``,
            whose ``auto_wrap_policy`` defaults to :func:`wrap_cells`.
        state_dict_cfg (str): Only 'full', whole checkpoints, is supported. Defaults to 'full'.
        kwargs: Further options of mmengine's strategy.

    Raises:
        InputError: For another ``state_dict_cfg``, for models with scalar parameters, for float16
            with loss scaling, and on CPUs if PyTorch is too old.
    """

    def __init__(
        self, *, model_wrapper: dict | None = None, state_dict_cfg: str = 'full', **kwargs: Any
    ):
        if state_dict_cfg != 'full':
            raise InputError(
                f"strategy.state_dict_cfg={state_dict_cfg!r}: give 'full' or remove it; sharded "
                'checkpoints fit neither testing nor a different number of processes.'
            )
        on_gpus = torch.cuda.is_available()
        if not on_gpus:
            require_torch('2.5', 'FSDP on CPUs')
        defaults = dict(auto_wrap_policy='vitae_mm.wrap_cells')
        if not on_gpus:
            defaults['device_id'] = 'cpu'
        super().__init__(
            model_wrapper={**defaults, **(model_wrapper or {})},
            state_dict_cfg=state_dict_cfg,
            **kwargs,
        )
        # FSDP frees tensors after offloading them; on a CPU, the offloaded tensor is the same one
        self.state_dict_config.offload_to_cpu = on_gpus
        self.optim_state_dict_config.offload_to_cpu = on_gpus

    def prepare(
        self,
        model: nn.Module | dict,
        *,
        optim_wrapper: OptimWrapper | dict | None = None,
        **kwargs: Any,
    ) -> tuple:
        model = self.build_model(model)
        if isinstance(optim_wrapper, dict):
            # wrapping renames and flattens the parameters
            optim_wrapper = super().build_optim_wrapper(optim_wrapper, model)
        if loss_scaling_wrappers(optim_wrapper):
            # a fused optimizer checks the gradients of its own shard
            raise InputError(
                'optim_wrapper scales the loss, so with FSDP each process would skip other steps: '
                'train in bfloat16, the default of --amp, or remove strategy.'
            )
        return super().prepare(model, optim_wrapper=optim_wrapper, **kwargs)

    def build_optim_wrapper(
        self, optim_wrapper: OptimWrapper, model: FullyShardedDataParallel
    ) -> OptimWrapper:
        """Returns the optimizer wrapper that :meth:`prepare` built; it stays valid, as FSDP keeps
        the parameter objects."""
        if optim_wrapper.clip_grad_kwargs and optim_wrapper.grad_name == 'grad_norm':
            optim_wrapper.clip_func = partial(_clip_norm, model)
        return optim_wrapper

    def _wrap_model(self, model: nn.Module) -> FullyShardedDataParallel:
        scalars = [name for name, parameter in model.named_parameters() if parameter.ndim == 0]
        if scalars:
            raise InputError(
                f"strategy=dict(type='FSDPStrategy'): {scalars[0]} of {type(model).__name__} is a "
                'scalar, which FSDP cannot shard: remove strategy, or use another head.'
            )
        self.unsharded = meta_copy(model)
        return super()._wrap_model(model)

    def optim_state_dict(self) -> dict:
        state = self.optim_wrapper.state_dict()
        # besides the optimizer's state, the wrapper keeps its base lr and loss scale
        return {
            **state,
            **FullyShardedDataParallel.optim_state_dict(
                self.model, self.optim_wrapper.optimizer, state
            ),
        }

    def load_optim_state_dict(self, state_dict: dict) -> None:
        # mmengine passes the arguments in the order of an older torch
        shard = FullyShardedDataParallel.optim_state_dict_to_load(
            self.model, self.optim_wrapper.optimizer, state_dict
        )
        self.optim_wrapper.load_state_dict({**state_dict, **shard})


@FUNCTIONS.register_module()
def wrap_cells(module: nn.Module, recurse: bool, nonwrapped_numel: int) -> bool:
    """``auto_wrap_policy`` that wraps each cell separately and everything else together."""
    return recurse or isinstance(module, (ReductionCell, NormalCell, CeiTBlock))


def _clip_norm(
    model: FullyShardedDataParallel, params: list[Tensor], max_norm: float, **kwargs: float
) -> Tensor:
    """Clips by the norm over all processes; with ``torch.nn.utils.clip_grad_norm_`` each process
    would clip its shard by the norm of that shard alone."""
    return model.clip_grad_norm_(max_norm, **kwargs)
