import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import ClassVar

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vitae_mm.checkpoints import load_pretrained
from vitae_mm.errors import InputError

from .arch import ArchTable
from .cells import NORMAL_EPS
from .options import FINAL_NORMS, OUT_TYPES, check_choice, check_flags
from .stage import Stage

DEFAULT_INIT = [
    dict(type='TruncNormal', layer='Linear', std=0.02, bias=0.0),
    dict(type='Kaiming', layer='Conv2d', mode='fan_out', nonlinearity='relu', bias=0.0),
    dict(type='Constant', layer=['LayerNorm', '_BatchNorm', 'GroupNorm'], val=1.0, bias=0.0),
]


@dataclass(frozen=True)
class Variant:
    """A published network.

    Args:
        network: Its class.
        arch: Its name in the class.
        exact: Whether all entries have its names and shapes.
    """

    network: type['StagedBackbone']
    arch: str
    exact: bool

    @property
    def layout(self) -> str:
        """How its published files are laid out: a key of the tables of
        ``vitae_mm.checkpoints``."""
        form = next(table for table in self.network.TABLES if self.arch in table.archs)
        return form.settings['layout']

    def __str__(self) -> str:
        return f'{self.network.__name__} {self.arch!r}'


class StagedBackbone(BaseModule):
    """A chain of stages with what every host framework expects of it.

    Stages past the last wanted output are left out, and so is what only
    another output reads, so that every parameter has a gradient.

    Args:
        arch (str | Mapping): As given by the user.
        stages (Sequence[Stage]): All stages of the network.
        in_channels (int): Channels of the image.
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
            (``type='Pretrained'``) is loaded strictly; other initialisers as
            in mmengine. Defaults to truncated normal linears (std 0.02) and
            Kaiming (fan-out) convs.
        final_norm (str): LayerNorm 'tokens' behind the last stage, 'pooled'
            on the mean or class token (maps have none then), or 'none'.
            Defaults to 'none'.
        class_attention (nn.Module, optional): (B, L, D) class tokens of the
            last stage's cells -> (B, 1, D). Defaults to the last token.
        least_size (int): Pixels that each side of an image must have.
            Defaults to 1.

    Raises:
        InputError: For indices or stage numbers the network does not have,
            an output it cannot give, and a checkpoint that does not fit.
    """

    TABLES: ClassVar[tuple[ArchTable, ...]]
    """The published networks of the class."""

    def __init__(
        self,
        arch: str | Mapping,
        stages: Sequence[Stage],
        in_channels: int,
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
        check_choice('out_type', out_type, OUT_TYPES)
        check_choice('final_norm', final_norm, FINAL_NORMS)
        check_flags(norm_eval=norm_eval, with_cp=with_cp)
        self._check_init_cfg()
        self.arch = arch
        self.in_channels = in_channels
        self.least_size = least_size
        self.out_type = out_type
        self.out_indices = check_out_indices(out_indices, len(stages))
        built = self.out_indices[-1] + 1
        self.stages = nn.ModuleList(stages[:built])
        self.stride = math.prod(stage.reduction.ratio for stage in self.stages)
        self.left_out = [f'stages.{i}.' for i in range(built, len(stages))]
        has_last, last_dim = built == len(stages), stages[-1].cells[-1].norm1.normalized_shape
        if out_type != 'featmap' and self.out_indices != (len(stages) - 1,):
            raise InputError(
                f'out_type={out_type!r} is read from the last stage alone: leave '
                f"out_indices={out_indices!r} out, or give out_type='featmap'."
            )
        if out_type == 'cls_token':
            if all(
                stage.embedding is None or stage.embedding.cls_token is None for stage in stages
            ):
                raise InputError(
                    "out_type='cls_token': this network has no class token; give "
                    'class_token=True where it is an option, or another out_type.'
                )
            self.stages[-1].cells[-1].skip_map()
        self.class_attention = class_attention if out_type == 'cls_token' else None
        if class_attention is not None and self.class_attention is None:
            self.left_out.append('class_attention.')
        self.final_norm = final_norm
        self.norm = None
        if (final_norm == 'tokens' and has_last) or (
            final_norm == 'pooled' and out_type != 'featmap'
        ):
            self.norm = nn.LayerNorm(last_dim, eps=NORMAL_EPS)
        elif final_norm != 'none':
            self.left_out.append('norm.')
        if isinstance(frozen_stages, bool) or frozen_stages not in range(-1, len(stages) + 1):
            raise InputError(
                f'frozen_stages={frozen_stages!r}: give -1 or 0 for none, or how '
                f'many of the {len(stages)} stages to freeze.'
            )
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.with_cp = with_cp
        for stage in self._frozen():
            stage.requires_grad_(False)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """
        Args:
            x: Images, (B, C, H, W), square or not, of any size down to
                ``least_size``.

        Returns:
            Maps (B, D, ceil(H / stride), ceil(W / stride)), one for each of
            ``out_indices``, contiguous: mmcv's operators read memory as if
            it were, and give garbage for channels_last. With another
            ``out_type`` one (B, D).
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
        """Images (B, C, H, W), checked -> (B, H, W, C)."""
        self._check_images(x)
        # channels_last from here on: (B, C, H, W) seen as (B, H, W, C)
        return x.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)

    def _read_out(self, x: Tensor, tokens: list[Tensor | None], norm: nn.Module | None) -> Tensor:
        """What is returned of a stage's map (B, H, W, D) and class tokens."""
        if self.out_type == 'featmap':
            x = x if norm is None else norm(x)
            return x.permute(0, 3, 1, 2).contiguous()
        if self.out_type == 'cls_token':
            x = (
                tokens[-1]
                if self.class_attention is None
                else self.class_attention(torch.cat(tokens, dim=1))
            )
            # (B, 1, D) -> (B, D)
            return (x if norm is None else norm(x)).squeeze(1)
        if norm is None:
            return x.mean(dim=(1, 2))
        if self.final_norm == 'tokens':
            return norm(x).mean(dim=(1, 2))
        return norm(x.mean(dim=(1, 2)))

    def _check_images(self, x: Tensor) -> None:
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise InputError(
                f'{type(self).__name__} takes images of shape (B, '
                f'{self.in_channels}, H, W), got {tuple(x.shape)}.'
            )
        if min(x.shape[2:]) < self.least_size:
            raise InputError(
                f'{type(self).__name__}: images of {x.shape[2]}x{x.shape[3]} pixels '
                f'are too small: each side needs {self.least_size} or more, one '
                'token. Enlarge them, or give an arch dict with smaller ratios.'
            )
        # one cell in the last stage
        if (
            self.training
            and x.shape[0] == 1
            and max(x.shape[2:]) <= self.stride
            and (self._trains_statistics())
        ):
            raise InputError(
                f'{type(self).__name__}: a single image of {x.shape[2]}x{x.shape[3]} '
                'pixels, one cell in the last stage, is too small to train batch '
                'norms on: give a larger image or batch, norm_eval=True, or another '
                "norm_cfg such as dict(type='GN', num_groups=32)."
            )

    def _trains_statistics(self) -> bool:
        """Whether a batch norm of the last stage takes statistics of this
        process alone."""
        return any(
            isinstance(module, _BatchNorm)
            and module.training
            and not isinstance(module, nn.SyncBatchNorm)
            for module in self.stages[-1].modules()
        )

    def init_weights(self) -> None:
        """Initialises as ``init_cfg`` says; loads a checkpoint strictly."""
        cfg = self.init_cfg[0] if isinstance(self.init_cfg, list) else self.init_cfg
        if cfg['type'] != 'Pretrained':
            super().init_weights()
            return
        load_pretrained(self, cfg['checkpoint'], cfg.get('prefix'))
        self._is_init = True

    def _check_init_cfg(self) -> None:
        cfgs = self.init_cfg if isinstance(self.init_cfg, list) else [self.init_cfg]
        kinds = [cfg.get('type') for cfg in cfgs]
        if 'Pretrained' in kinds and len(kinds) > 1:
            raise InputError(
                f'init_cfg with {kinds}: a Pretrained checkpoint fills every weight; '
                'give it alone, or leave it out.'
            )

    @staticmethod
    def identify(state_dict: Mapping[str, Tensor]) -> Variant:
        """Which published network these entries of a backbone come nearest to.

        Args:
            state_dict: Entries as :meth:`state_dict` names them; those of
                heads, and sizes of position embeddings, do not count.
        """
        given = _signature(state_dict)
        networks = [
            (network, arch)
            for network in StagedBackbone.__subclasses__()
            for table in network.TABLES
            for arch in table.archs
        ]
        signatures = {key: _published_signature(*key) for key in networks}
        network, arch = min(networks, key=lambda key: len(signatures[key] ^ given))
        return Variant(network, arch, signatures[network, arch] == given)

    def get_layer_depth(self, param_name: str, prefix: str = '') -> tuple[int, int]:
        """Depth of a parameter, for layer-wise lr decay, as mmpretrain asks for it.

        A reduction, with the embedding behind it, is a layer, and so is each
        normal cell.

        Args:
            param_name: As ``named_parameters()`` of a model names it.
            prefix: Where the backbone is in that model. Defaults to ''.

        Returns:
            Its layer, from 0 on, and the number of layers. The last one holds
            what is behind the cells: final norm, class attention, and all
            that does not begin with the prefix.
        """
        starts = list(accumulate((1 + len(stage.cells) for stage in self.stages), initial=0))
        if not param_name.startswith(f'{prefix}stages.'):
            return starts[-1], starts[-1] + 1
        stage, part, cell = param_name.removeprefix(f'{prefix}stages.').split('.')[:3]
        depth = 1 + int(cell) if part == 'cells' else 0
        return starts[int(stage)] + depth, starts[-1] + 1

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
        return self.stages[: max(self.frozen_stages, 0)]


def check_out_indices(indices: Sequence[int], count: int) -> tuple[int, ...]:
    """``indices`` as a tuple of stage numbers in 0 .. count - 1.

    Raises:
        InputError: If empty, repeated, out of range or out of order.
    """
    chosen = (indices,) if isinstance(indices, int) else tuple(indices)
    if not all(isinstance(i, int) for i in chosen):
        raise InputError(f'out_indices={indices!r}: give whole numbers.')
    resolved = tuple(i + count if i < 0 else i for i in chosen)
    if (
        not chosen
        or list(resolved) != sorted(set(resolved))
        or not (resolved[0] >= 0 and resolved[-1] < count)
    ):
        raise InputError(
            f'out_indices={indices!r}: give some of {tuple(range(count))}, in '
            'ascending order, without repeats.'
        )
    return resolved


@cache
def _published_signature(network: type[StagedBackbone], arch: str) -> frozenset:
    with torch.device('meta'):
        return _signature(network(arch).state_dict())


def _signature(state_dict: Mapping[str, Tensor]) -> frozenset:
    """Names and shapes of the entries of the stages."""
    return frozenset(
        (key, None if key.endswith('embedding.position') else tuple(value.shape))
        for key, value in state_dict.items()
        if key.startswith('stages.')
    )
