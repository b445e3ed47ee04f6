"""A feature pyramid for backbones with a single scale."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from vitae_mm.errors import InputError
from vitae_mm.registry import MODELS

LEVELS = 4
"""Levels made from the backbone's map: 4, 2, 1 and 1/2 times its size."""


@MODELS.register_module()
class SimpleFeaturePyramid(BaseModule):
    """Simple feature pyramid: several scales from a single map.

    For heads that expect a pyramid, on backbones with one scale: ViTAE and
    CeiT have stride 16, and the outputs strides 4, 8, 16, 32 and, for
    detectors, 64. Source: ViTDet (Li et al., ECCV 2022, Sec. 3, "Simple
    feature pyramid").

    Args:
        in_channels (int): Channels of the backbone's last map; a multiple of 4.
        out_channels (int): Channels of each output. Defaults to 256.
        num_outs (int): Number of outputs; each after the fourth is half the
            size of the previous one. Defaults to 4.
        init_cfg (dict | list[dict], optional): Initialization, as in mmengine.
            Defaults to Xavier, uniform.

    Raises:
        InputError: If ``in_channels`` is not a multiple of 4, or ``num_outs``
            is below 4.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 256,
        *,
        num_outs: int = LEVELS,
        init_cfg: dict | list[dict] | None = None,
    ):
        super().__init__(
            init_cfg
            or dict(type='Xavier', layer=['Conv2d', 'ConvTranspose2d'], distribution='uniform')
        )
        if not isinstance(in_channels, int) or in_channels < 4 or in_channels % 4:
            raise InputError(
                f'in_channels={in_channels!r}: give the channels of a single map, a multiple of 4; '
                'use FPN for backbones with several scales.'
            )
        if not isinstance(num_outs, int) or num_outs < LEVELS:
            raise InputError(f'num_outs={num_outs!r}: must be an integer of at least {LEVELS}.')
        self.in_channels = in_channels
        self.num_outs = num_outs
        half, quarter = in_channels // 2, in_channels // 4
        self.scales = nn.ModuleList(
            [
                nn.Sequential(
                    nn.ConvTranspose2d(in_channels, half, 2, stride=2),
                    ChannelNorm(half),
                    nn.GELU(),
                    nn.ConvTranspose2d(half, quarter, 2, stride=2),
                ),
                nn.ConvTranspose2d(in_channels, half, 2, stride=2),
                nn.Identity(),
                # rounds up, as backbones with stride 32 do
                nn.MaxPool2d(2, ceil_mode=True),
            ]
        )
        self.projections = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels, out_channels, 1, bias=False),
                ChannelNorm(out_channels),
                nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
                ChannelNorm(out_channels),
            )
            for channels in (quarter, half, in_channels, in_channels)
        )

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """
        Args:
            inputs: Maps of the backbone; only the last, (B, C, H, W), is used.

        Returns:
            Maps (B, out_channels, h, w) of size (4H, 4W), (2H, 2W), (H, W), then
            halved, rounded up. Contiguous, as mmcv's operators require.
        """
        outputs = [
            project(scale(inputs[-1]))
            for scale, project in zip(self.scales, self.projections, strict=True)
        ]
        while len(outputs) < self.num_outs:
            outputs.append(F.max_pool2d(outputs[-1], 1, stride=2))
        return tuple(x.contiguous() for x in outputs)


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of a map (B, C, H, W), as ViTDet uses it."""

    def forward(self, x: Tensor) -> Tensor:
        # (B, C, H, W) -> (B, H, W, C) and back
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
