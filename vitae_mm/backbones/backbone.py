"""The base class of all networks: runs stages, reads out, freezes, initializes."""

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, ClassVar

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vitae_mm.checkpoints import load_pretrained
from vitae_mm.errors import InputError
from vitae_mm.layers import format_weights

from .cells import NORMAL_EPS
from .options import check_choice, check_flags, check_indices
from .spec import ArchForm
from .stage import Stage

OUT_TYPES = ('featmap', 'avg_featmap', 'cls_token')
FINAL_NORMS = ('none', 'tokens', 'pooled')

DEFAULT_INIT = [
    dict(type='TruncNormal', layer='Linear', std=0.02, bias=0.0),
    dict(type='Kaiming', layer='Conv2d', mode='fan_out', nonlinearity='relu', bias=0.0),
    dict(type='Constant', layer=['LayerNorm', '_BatchNorm', 'GroupNorm'], val=1.0, bias=0.0),
]


class StagedBackbone(BaseModule):
    """A chain of stages with the interface that host frameworks expect of a backbone.

    Stages and modules that do not affect the requested outputs are not built
    or not trained: every trained parameter has a gradient.

    Args:
        arch (str | Mapping): As given by the user.
        stages (Sequence[Stage]): All stages of the network.
        in_channels (int): Channels of the image.
        dim (int): Channels of the last stage (D).
        out_type (str): 'featmap' for maps, 'avg_featmap' for the mean over
            the last map, 'cls_token' for the class token.
        out_indices (Sequence[int]): Stages whose maps are returned; only the
            last with another ``out_type``.
        frozen_stages (int): Number of leading stages that are not trained
            and stay in eval mode; -1 and 0 freeze none.
        norm_eval (bool): Keep all batch norms in eval mode.
        with_cp (bool): Recompute each cell in the backward pass to save
            memory.
        init_cfg (dict | list[dict], optional): A checkpoint
            (``type='Pretrained'``) is loaded strictly; other initializers as
            in mmengine. Defaults to truncated normal linears (std 0.02) and
            Kaiming (fan-out) convs.
        final_norm (str): LayerNorm on all 'tokens' after the last stage, on
            the 'pooled' mean or class token (maps have none then), or 'none'.
            Defaults to 'none'.
        class_attention (nn.Module, optional): Maps the class tokens after the
            cells of the last stage, (B, L, D), to (B, 1, D). Defaults to
            None, which reads the token after the last cell.
        least_size (int): Minimum height and width of an image, in pixels.
            Defaults to 1.

    Raises:
        InputError: For stages that the network does not have, an output that
            it cannot give, and a checkpoint that does not match.
    """

    FORMS: ClassVar[tuple[ArchForm, ...]]
    """The published networks, which ``arch`` can name."""

    def __init__(
        self,
        *,
        arch: str | Mapping,
        stages: Sequence[Stage],
        in_channels: int,
        dim: int,
        out_type: str,
        out_indices: Sequence[int],
        frozen_stages: int,
        norm_eval: bool,
        with_cp: bool,
        init_cfg: dict | list[dict] | None,
        final_norm: str = 'none',
        class_attention: nn.Module | None = None,
        least_size: int = 1,
    ):
        super().__init__(init_cfg or DEFAULT_INIT)
        if isinstance(init_cfg, list) and len(init_cfg) > 1:
            kinds = [cfg.get('type') for cfg in init_cfg]
            if 'Pretrained' in kinds:
                raise InputError(
                    f'init_cfg with {kinds}: a Pretrained checkpoint fills every weight; give it '
                    'alone, or leave it out.'
                )
        check_choice('out_type', out_type, OUT_TYPES)
        check_choice('final_norm', final_norm, FINAL_NORMS)
        check_flags(norm_eval=norm_eval, with_cp=with_cp)
        count = len(stages)
        if isinstance(frozen_stages, bool) or frozen_stages not in range(-1, count + 1):
            raise InputError(
                f'frozen_stages={frozen_stages!r}: give -1 or 0 for none, or how many of the '
                f'{count} stages to freeze.'
            )
        self.arch = arch
        self.in_channels = in_channels
        self.out_type = out_type
        self.out_indices = check_indices(out_indices, count)
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.with_cp = with_cp
        self.final_norm = final_norm
        self.least_size = least_size
        if out_type != 'featmap' and self.out_indices != (count - 1,):
            raise InputError(
                f'out_type={out_type!r} reads the last stage: leave '
                f"out_indices={out_indices!r} out, or give out_type='featmap'."
            )
        embedding = stages[-1].embedding
        if out_type == 'cls_token' and (embedding is None or embedding.cls_token is None):
            raise InputError(
                "out_type='cls_token': this network has no class token; give class_token=True "
                'where it is an option, or another out_type.'
            )
        built = self.out_indices[-1] + 1
        self.stages = nn.ModuleList(stages[:built])
        self.depths = [len(stage.cells) for stage in stages[:built]]
        self.stride = math.prod(stage.ratio for stage in stages[:built])
        # entries of a checkpoint that this network is built without
        self.left_out = [f'stages.{i}.' for i in range(built, count)]
        self.class_attention = class_attention if out_type == 'cls_token' else None
        if class_attention is not None and self.class_attention is None:
            self.left_out.append('class_attention.')
        self.norm = None
        if final_norm != 'none':
            if out_type != 'featmap' or (final_norm == 'tokens' and built == count):
                self.norm = nn.LayerNorm(dim, eps=NORMAL_EPS)
            else:
                self.left_out.append('norm.')
        for stage in self._frozen():
            stage.requires_grad_(False)

    def _apply(self, *args: Any, **kwargs: Any) -> 'StagedBackbone':
        # nn.Module calls it to move parameters to another device
        super()._apply(*args, **kwargs)
        format_weights(self)
        return self

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """
        Args:
            x: Images, (B, C, H, W); H and W are at least ``least_size``.

        Returns:
            Maps (B, D, ceil(H / stride), ceil(W / stride)), one for each of
            ``out_indices``; with another ``out_type``, one tensor (B, D).
            Maps are contiguous: mmcv's operators assume it, and return
            garbage for channels_last memory.
        """
        x = self._to_map(x)
        outputs = []
        for i, stage in enumerate(self.stages):
            x, tokens = stage(x, with_cp=self.with_cp and self.training)
            if i in self.out_indices:
                is_last = i == len(self.stages) - 1
                outputs.append(self._read_out(x, tokens, self.norm if is_last else None))
        return tuple(outputs)

    def _to_map(self, x: Tensor) -> Tensor:
        """Checks images (B, C, H, W) and returns them as a map (B, H, W, C)."""
        self._check_images(x)
        # channels_last from here on: (B, C, H, W) seen as (B, H, W, C)
        return x.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)

    def _read_out(self, x: Tensor, tokens: list[Tensor], norm: nn.Module | None) -> Tensor:
        """Returns the output of a stage with map (B, H, W, D) and class tokens (B, 1, D)."""
        norm = norm or nn.Identity()
        if self.out_type == 'featmap':
            return norm(x).permute(0, 3, 1, 2).contiguous()
        if self.out_type == 'cls_token':
            attend = self.class_attention
            cls = tokens[-1] if attend is None else attend(torch.cat(tokens, dim=1))
            # (B, 1, D) -> (B, D)
            return norm(cls).squeeze(1)
        if self.final_norm == 'tokens':
            return norm(x).mean(dim=(1, 2))
        return norm(x.mean(dim=(1, 2)))

    def _check_images(self, x: Tensor) -> None:
        name = type(self).__name__
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise InputError(
                f'{name} takes images of shape (B, {self.in_channels}, H, W), got {tuple(x.shape)}.'
            )
        height, width = x.shape[2:]
        if min(height, width) < self.least_size:
            raise InputError(
                f'{name}: images of {height}x{width} pixels are too small: each side needs '
                f'{self.least_size} or more, one token. Enlarge them, or give an arch dict with '
                'smaller ratios.'
            )
        # one token in the last stage
        if (
            self.training
            and x.shape[0] == 1
            and max(height, width) <= self.stride
            and self._trains_batch_norms()
        ):
            raise InputError(
                f'{name}: a single image of {height}x{width} pixels, one token in the last stage, '
                'is too small to train batch norms on: give a larger image or batch, '
                "norm_eval=True, or another norm_cfg such as dict(type='GN', num_groups=32)."
            )

    def _trains_batch_norms(self) -> bool:
        """Whether the last stage trains batch norms on the statistics of a single process."""
        return any(
            isinstance(module, _BatchNorm)
            and module.training
            and not isinstance(module, nn.SyncBatchNorm)
            for module in self.stages[-1].modules()
        )

    def init_weights(self) -> None:
        """Initializes as ``init_cfg`` says; a checkpoint is loaded strictly."""
        cfgs = self.init_cfg if isinstance(self.init_cfg, list) else [self.init_cfg]
        if cfgs[0]['type'] != 'Pretrained':
            super().init_weights()
            return
        load_pretrained(self, cfgs[0]['checkpoint'], cfgs[0].get('prefix'))
        self._is_init = True

    def get_layer_depth(self, param_name: str, prefix: str = '') -> tuple[int, int]:
        """Returns the layer of a parameter for layer-wise learning rate decay.

        mmpretrain calls it. Each reduction, with the embedding after it, is a
        layer, and so is each cell.

        Args:
            param_name: Name in ``named_parameters()`` of the model.
            prefix: Prefix of the backbone in that model. Defaults to ''.

        Returns:
            The layer, counted from 0, and the number of layers. The last
            layer contains what follows the cells: final norm, class
            attention, and all parameters without the prefix.
        """
        starts = list(accumulate((1 + depth for depth in self.depths), initial=0))
        if not param_name.startswith(f'{prefix}stages.'):
            return starts[-1], starts[-1] + 1
        stage, part, cell = param_name.removeprefix(f'{prefix}stages.').split('.')[:3]
        depth = 1 + int(cell) if part == 'cells' else 0
        return starts[int(stage)] + depth, starts[-1] + 1

    def train(self, mode: bool = True) -> 'StagedBackbone':
        """Sets the mode, except for frozen stages and, with ``norm_eval``, batch norms."""
        super().train(mode)
        if mode:
            for stage in self._frozen():
                stage.eval()
            if self.norm_eval:
                for module in self.modules():
                    if isinstance(module, _BatchNorm):
                        module.eval()
        return self

    def _frozen(self) -> nn.ModuleList:
        return self.stages[: max(self.frozen_stages, 0)]
