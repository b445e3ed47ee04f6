"""FSDP: parameters, gradients and optimizer state in shares, one a process."""

from functools import partial

import torch
from mmengine._strategy import FSDPStrategy as MMEngineFSDPStrategy
from mmengine.optim import OptimWrapper
from torch import Tensor, nn
from torch.distributed.fsdp import FullyShardedDataParallel

from vitae_mm.backbones.cells import NormalCell, ReductionCell
from vitae_mm.engine.models import without_values
from vitae_mm.errors import InputError
from vitae_mm.registry import FUNCTIONS, STRATEGIES


@STRATEGIES.register_module()
class FSDPStrategy(MMEngineFSDPStrategy):
    """mmengine's FSDP for configs that were written for DDP.

    Beyond mmengine's: parameters are gathered one cell at a time; it runs on
    CPUs; ``paramwise_cfg`` finds parameters by their own names and dimensions;
    gradients are clipped by the norm over all processes; training resumes; and
    checkpoints hold the weights as those of any other training do.

    Args:
        model_wrapper (dict, optional): Options of mmengine's
            ``MMFullyShardedDataParallel``. Its ``auto_wrap_policy`` is
            :func:`wrap_cells` by default.
        state_dict_cfg (str): 'full', whole checkpoints.
        kwargs: Further options of mmengine's strategy.

    Raises:
        InputError: For another ``state_dict_cfg``, and for models with scalar
            parameters.
    """

    def __init__(
        self, *, model_wrapper: dict | None = None, state_dict_cfg: str = 'full', **kwargs
    ):
        if state_dict_cfg != 'full':
            raise InputError(
                f"strategy.state_dict_cfg={state_dict_cfg!r}: give 'full' or leave it "
                'out; checkpoints in shares fit neither testing nor another number '
                'of processes.'
            )
        on_gpus = torch.cuda.is_available()
        defaults = dict(auto_wrap_policy='vitae_mm.wrap_cells')
        if not on_gpus:
            defaults['device_id'] = 'cpu'
        super().__init__(
            model_wrapper={**defaults, **(model_wrapper or {})},
            state_dict_cfg=state_dict_cfg,
            **kwargs,
        )
        # FSDP frees what it has offloaded, on a CPU the tensor itself
        self.state_dict_config.offload_to_cpu = on_gpus
        self.optim_state_dict_config.offload_to_cpu = on_gpus

    def prepare(
        self, model: nn.Module | dict, *, optim_wrapper: OptimWrapper | dict | None = None, **kwargs
    ) -> tuple:
        model = self.build_model(model)
        if isinstance(optim_wrapper, dict):
            # once wrapped, parameters have other names and one dimension
            optim_wrapper = super().build_optim_wrapper(optim_wrapper, model)
        return super().prepare(model, optim_wrapper=optim_wrapper, **kwargs)

    def build_optim_wrapper(
        self, optim_wrapper: OptimWrapper, model: FullyShardedDataParallel
    ) -> OptimWrapper:
        """What :meth:`prepare` built; FSDP keeps the parameters themselves."""
        if optim_wrapper.clip_grad_kwargs and optim_wrapper.grad_name == 'grad_norm':
            optim_wrapper.clip_func = partial(_clip_norm, model)
        return optim_wrapper

    def _wrap_model(self, model: nn.Module) -> FullyShardedDataParallel:
        scalars = [name for name, parameter in model.named_parameters() if parameter.ndim == 0]
        if scalars:
            raise InputError(
                f"strategy=dict(type='FSDPStrategy'): {scalars[0]} of "
                f'{type(model).__name__} is a single number, which FSDP cannot share '
                'out: leave strategy out, or take another head.'
            )
        self.blueprint = without_values(model)
        return super()._wrap_model(model)

    def optim_state_dict(self) -> dict:
        state = self.optim_wrapper.state_dict()
        # beside the optimizer's own, the wrapper keeps its base lr and loss scale
        return {
            **state,
            **FullyShardedDataParallel.optim_state_dict(
                self.model, self.optim_wrapper.optimizer, state
            ),
        }

    def load_optim_state_dict(self, state_dict: dict) -> None:
        # mmengine gives the arguments in the order of an older torch
        share = FullyShardedDataParallel.optim_state_dict_to_load(
            self.model, self.optim_wrapper.optimizer, state_dict
        )
        self.optim_wrapper.load_state_dict({**state_dict, **share})


@FUNCTIONS.register_module()
def wrap_cells(module: nn.Module, recurse: bool, nonwrapped_numel: int) -> bool:
    """``auto_wrap_policy``: each cell by itself, all else together."""
    return recurse or isinstance(module, (ReductionCell, NormalCell))


def _clip_norm(
    model: FullyShardedDataParallel, params: list[Tensor], max_norm: float, **kwargs: float
) -> Tensor:
    """As ``torch.nn.utils.clip_grad_norm_``, of which each process would clip
    its share by the norm of that share alone."""
    return model.clip_grad_norm_(max_norm, **kwargs)
