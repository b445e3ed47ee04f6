from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vitae_mm.checkpoints import load_pretrained
from vitae_mm.errors import InputError

from .checkpointing import checkpoint_module

DEFAULT_INIT = [
    dict(type='TruncNormal', layer='Linear', std=.02, bias=0.),
    dict(type='Kaiming', layer='Conv2d', mode='fan_out', nonlinearity='relu', bias=0.),
    dict(type='Constant', layer=['LayerNorm', '_BatchNorm', 'GroupNorm'], val=1., bias=0.),
]


class Stage(nn.Module):
    """A reduction and the normal cells that follow it on the same map.

    Args:
        reduction (nn.Module): Map -> smaller map.
        cells (Sequence[nn.Module]): Map -> map of the same size.
    """

    def __init__(self, reduction: nn.Module, cells: Sequence[nn.Module]):
        super().__init__()
        self.reduction = reduction
        self.cells = nn.ModuleList(cells)

    def forward(self, x: Tensor, with_cp: bool = False) -> Tensor:
        """(B, H, W, C_in) -> (B, H', W', D)."""
        for cell in (self.reduction, *self.cells):
            x = checkpoint_module(cell, x) if with_cp else cell(x)
        return x


class StagedBackbone(BaseModule):
    """A chain of stages with what every host framework expects of it.

    Stages past the last wanted output are left out, so that every parameter
    has a gradient.

    Args:
        stages (Sequence[Stage]): All stages of the network.
        out_indices (Sequence[int]): Stages whose maps are returned.
        frozen_stages (int): Number of leading stages that are not trained
            and stay in eval mode; -1 and 0 freeze none.
        norm_eval (bool): Keep all batch norms in eval mode.
        with_cp (bool): Recompute each cell in the backward pass to save
            memory.
        init_cfg (dict | list[dict], optional): A checkpoint
            (``type='Pretrained'``) is loaded strictly; other initialisers as
            in mmengine. Defaults to truncated normal linears (std 0.02) and
            Kaiming (fan-out) convs.

    Raises:
        InputError: For indices or stage numbers the network does not have,
            and for a checkpoint that does not fit.
    """

    def __init__(self, stages: Sequence[Stage], out_indices: Sequence[int], frozen_stages: int,
                 norm_eval: bool, with_cp: bool, init_cfg: dict | list[dict] | None):
        super().__init__(init_cfg or DEFAULT_INIT)
        self.out_indices = check_out_indices(out_indices, len(stages))
        built = max(self.out_indices) + 1
        self.stages = nn.ModuleList(stages[:built])
        self.left_out = [f'stages.{i}.' for i in range(built, len(stages))]
        if frozen_stages not in range(-1, len(stages) + 1):
            raise InputError(f'frozen_stages={frozen_stages!r}: give -1 or 0 for none, or how '
                             f'many of the {len(stages)} stages to freeze.')
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.with_cp = with_cp
        for stage in self._frozen():
            stage.requires_grad_(False)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """
        Args:
            x: Images, (B, 3, H, W), any H and W.

        Returns:
            Maps (B, D, ceil(H / stride), ceil(W / stride)), one for each of
            ``out_indices``, contiguous: mmcv's operators read memory as if
            it were, and give garbage for channels_last.
        """
        # channels_last from here on: (B, 3, H, W) seen as (B, H, W, 3)
        x = x.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)
        maps = []
        for i, stage in enumerate(self.stages):
            x = stage(x, with_cp=self.with_cp and self.training)
            if i in self.out_indices:
                maps.append(x.permute(0, 3, 1, 2).contiguous())
        return tuple(maps)

    def init_weights(self) -> None:
        """Initialises as ``init_cfg`` says; loads a checkpoint strictly."""
        cfgs = self.init_cfg if isinstance(self.init_cfg, list) else [self.init_cfg]
        pretrained = [cfg for cfg in cfgs if cfg.get('type') == 'Pretrained']
        if not pretrained:
            super().init_weights()
            return
        for cfg in pretrained:
            load_pretrained(self, cfg['checkpoint'], cfg.get('prefix'), self.left_out)
        self._is_init = True

    def train(self, mode: bool = True) -> 'StagedBackbone':
        super().train(mode)
        if mode:
            for stage in self._frozen():
                stage.eval()
            if self.norm_eval:
                for module in self.modules():
                    if isinstance(module, _BatchNorm):
                        module.eval()
        return self

    def _frozen(self) -> Sequence[Stage]:
        return self.stages[:max(self.frozen_stages, 0)]


def check_out_indices(indices: Sequence[int], count: int) -> tuple[int, ...]:
    """``indices`` as a tuple of stage numbers in 0 .. count - 1.

    Raises:
        InputError: If empty, repeated, out of range or out of order.
    """
    chosen = (indices, ) if isinstance(indices, int) else tuple(indices)
    if not all(isinstance(i, int) for i in chosen):
        raise InputError(f'out_indices={indices!r}: give whole numbers.')
    resolved = tuple(i + count if i < 0 else i for i in chosen)
    if not chosen or list(resolved) != sorted(set(resolved)) or not (
            0 <= resolved[0] and resolved[-1] < count):
        raise InputError(f'out_indices={indices!r}: give some of {tuple(range(count))}, in '
                         'ascending order, without repeats.')
    return resolved
