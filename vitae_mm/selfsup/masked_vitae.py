"""The encoder of masked pretraining."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vitae_mm.backbones import ViTAE
from vitae_mm.backbones.backbone import DEFAULT_INIT
from vitae_mm.backbones.cells import NormalCell
from vitae_mm.backbones.options import BATCH_NORM, check_img_size
from vitae_mm.backbones.spec import StageSpec
from vitae_mm.backbones.stage import Stage
from vitae_mm.errors import InputError
from vitae_mm.layers import VisibleTokens, join_tokens, run_module, visible_count
from vitae_mm.registry import MODELS

MAE_INIT = [
    dict(type='Xavier', layer='Linear', distribution='uniform', bias=0.0),
    *DEFAULT_INIT[1:],
]
"""Linears as in MAE (He et al., App. A.1), the rest as in all backbones."""


class MaskedCell(NormalCell):
    """A normal cell on the visible tokens of a map.

    Parallel convs with kernels larger than 1x1 are applied to the map of the
    visible tokens, with zeros for the masked ones.
    """

    def __init__(self, spec: StageSpec, *, drop_path_rate: float = 0.0, shifted: bool = False):
        super().__init__(spec, drop_path_rate=drop_path_rate, shifted=shifted)
        self.on_map = spec.pcm_kernel_size > 1

    def forward(
        self, x: Tensor, cls: Tensor | None = None, visible: VisibleTokens | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """
        Args:
            x: Map, (B, H, W, D), or visible tokens, (B, 1, K, D).
            cls: Class token, (B, 1, D), or None.
            visible: Selection of the visible tokens; None for a map.

        Returns:
            Map or tokens and class token, of the same shapes.
        """
        if visible is None or self.pcm is None or not self.on_map:
            return super().forward(x, cls)
        return self.combine(x, cls, visible.pick(self.pcm(visible.spread(x))))


@MODELS.register_module()
class MaskedViTAE(ViTAE):
    """The encoder of a masked autoencoder: a :class:`ViTAE` with patch
    embedding (B, L, H) that encodes a random subset of an image's tokens.

    ViTAEv2, Zhang et al., IJCV 2022, "Scaling up"; Masked Autoencoders Are
    Scalable Vision Learners, He et al., CVPR 2022. For mmpretrain's ``MAE``.

    A 3x3 conv cannot tell that neighbors are masked, so the parallel convs have
    1x1 kernels by default. A :class:`ViTAE` with 3x3 kernels zero-pads them when
    it loads such weights.

    Args:
        arch (str | dict): 'base', 'large', 'huge' or a dict of that form; see
            :class:`ViTAE`. Defaults to 'base'.
        img_size (int | Sequence[int]): Size of all images, in pixels; square,
            as mmpretrain's decoder requires. Defaults to 224.
        mask_ratio (float): Share of the tokens that are masked, in (0, 1).
            Defaults to 0.75.
        pcm_kernel_size (int): Kernel of the parallel convs: 1 acts on the
            sequence of visible tokens, 3 on their map with zeros for the
            masked ones, 0 disables the convs. Defaults to 1.
        in_channels, norm_eval, norm_cfg, with_cp: As in :class:`ViTAE`.
        drop_path_rate, pcm_recompute: As in :class:`ViTAE`. Position
            embeddings are fixed 2-D sines and cosines.
        init_cfg (dict | list[dict], optional): See :class:`StagedBackbone`.
            Defaults to Xavier for linears and patches, as in MAE.

    Raises:
        InputError: For invalid or incompatible options.
    """

    CELL = MaskedCell

    def __init__(
        self,
        arch: str | dict = 'base',
        img_size: int | Sequence[int] = 224,
        mask_ratio: float = 0.75,
        pcm_kernel_size: int = 1,
        in_channels: int = 3,
        norm_eval: bool = False,
        norm_cfg: dict | None = BATCH_NORM,
        with_cp: bool = False,
        drop_path_rate: float = 0.0,
        pcm_recompute: bool | None = None,
        init_cfg: dict | list[dict] | None = None,
    ):
        super().__init__(
            arch=arch,
            in_channels=in_channels,
            img_size=img_size,
            norm_eval=norm_eval,
            norm_cfg=norm_cfg,
            with_cp=with_cp,
            drop_path_rate=drop_path_rate,
            pcm_kernel_size=pcm_kernel_size,
            pcm_recompute=pcm_recompute,
            class_token=True,
            position='learned',
            final_norm='tokens',
            init_cfg=MAE_INIT if init_cfg is None else init_cfg,
        )
        if len(self.stages) > 1:
            raise InputError(
                f'arch={arch!r}: the tokens of this network overlap and cannot be masked; '
                "choose 'base', 'large' or 'huge', or give a dict of that form."
            )
        self.img_size = height, width = check_img_size(img_size)
        if height != width or height % self.stride:
            raise InputError(
                f'img_size={img_size!r}: give square images whose sides are multiples of '
                f'{self.stride}, the patch size.'
            )
        if (
            isinstance(mask_ratio, bool)
            or not isinstance(mask_ratio, int | float)
            or not (0 < mask_ratio < 1)
        ):
            raise InputError(f'mask_ratio={mask_ratio!r}: give a number between 0 and 1.')
        side = height // self.stride
        if not 0 < visible_count(side * side, mask_ratio) < side * side:
            raise InputError(
                f'mask_ratio={mask_ratio!r} of {side}x{side} tokens masks all or none of them: '
                'give another ratio, or larger images.'
            )
        self.mask_ratio = mask_ratio
        self.as_in_mae = init_cfg is None
        self.get_parameter('stages.0.embedding.position').requires_grad_(False)

    def init_weights(self) -> None:
        """Initializes as :class:`ViTAE`.

        By default, position embeddings, patch embedding and class token are
        initialized as in MAE (He et al., App. A.1).
        """
        super().init_weights()
        if not self.as_in_mae:
            return
        # only pretraining needs mmpretrain
        from mmpretrain.models.utils import build_2d_sincos_position_embedding

        position = self.get_parameter('stages.0.embedding.position')
        side = self.img_size[0] // self.stride
        with torch.no_grad():
            position.copy_(
                build_2d_sincos_position_embedding(side, position.shape[-1], cls_token=True)
            )
            nn.init.xavier_uniform_(self.get_parameter('stages.0.reduction.proj.weight').flatten(1))
            nn.init.normal_(self.get_parameter('stages.0.embedding.cls_token'), std=0.02)

    def forward(
        self, x: Tensor, mask: bool | None = True
    ) -> tuple[Tensor, Tensor, Tensor] | tuple[Tensor, ...]:
        """
        Args:
            x: Images, (B, C, H, W), of ``img_size``.
            mask: Whether to mask tokens. Defaults to True.

        Returns:
            Class token and visible tokens, (B, 1 + K, D); the mask, 1 for
            masked and 0 for visible tokens, row by row, (B, L); and the index
            of each token in the sequence of the visible tokens followed by the
            masked ones, (B, L). Without masking, the output of :class:`ViTAE`.

        Raises:
            InputError: For images of another size.
        """
        if not mask:
            return super().forward(x)
        pixels = self._to_map(x)
        if tuple(x.shape[2:]) != self.img_size:
            raise InputError(
                f'{type(self).__name__} pretrains on images of {self.img_size[0]}x'
                f'{self.img_size[1]}, got {x.shape[2]}x{x.shape[3]}: set img_size, or resize '
                'them.'
            )
        stage = self.stages[0]
        assert isinstance(stage, Stage) and self.norm is not None
        x, cls = stage.embed(pixels)
        visible = VisibleTokens.draw(len(x), x.shape[1:3], self.mask_ratio, x.device)
        x = visible.pick(x)
        with_cp = self.with_cp and self.training
        for cell in stage.cells:
            x, cls = run_module(cell, with_cp, x, cls, visible)
        return self.norm(join_tokens(x, cls)), visible.mask, visible.restore
