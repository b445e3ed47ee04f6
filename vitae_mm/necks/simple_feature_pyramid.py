from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from vitae_mm.errors import InputError
from vitae_mm.registry import MODELS

LEVELS = 4
"""Maps made of the backbone's own: 4, 2, 1 and 1/2 times its size."""


@MODELS.register_module()
class SimpleFeaturePyramid(BaseModule):
    """Simple feature pyramid: maps at several scales from one.

    For backbones of one scale in heads that expect a pyramid: for ViTAE and
    CeiT, whose map has stride 16, the outputs have strides 4, 8, 16, 32 and,
    for detectors, 64. Source: ViTDet (Li et al., ECCV 2022, section 3,
    "Simple feature pyramid").

    Args:
        in_channels (int): Channels of the backbone's last map, a multiple of
            4.
        out_channels (int): Channels of every output. Defaults to 256.
        num_outs (int): Number of outputs; those past the fourth are halved
            from the one before. Defaults to 4.
        init_cfg (dict | list[dict], optional): As in mmengine. Defaults to
            Xavier, uniform.

    Raises:
        InputError: If ``in_channels`` is no multiple of 4 or ``num_outs``
            is below 4.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 256,
        num_outs: int = LEVELS,
        init_cfg: dict | list[dict] | None = None,
    ):
        super().__init__(
            init_cfg
            or dict(type='Xavier', layer=['Conv2d', 'ConvTranspose2d'], distribution='uniform')
        )
        if not isinstance(in_channels, int) or in_channels < 4 or in_channels % 4:
            raise InputError(
                f'in_channels={in_channels!r}: the pyramid takes one map, of channels '
                'that 4 divides; for backbones of several scales use FPN.'
            )
        if not isinstance(num_outs, int) or num_outs < LEVELS:
            raise InputError(f'num_outs={num_outs!r}: give {LEVELS} or more.')
        self.in_channels = in_channels
        self.num_outs = num_outs
        half, quarter = in_channels // 2, in_channels // 4
        self.scales = nn.ModuleList(
            [
                nn.Sequential(
                    upsampling(in_channels, half),
                    ChannelNorm(half),
                    nn.GELU(),
                    upsampling(half, quarter),
                ),
                upsampling(in_channels, half),
                nn.Identity(),
                # as many cells as a backbone of stride 32 would have
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
            inputs: Maps of the backbone; the last one, (B, C, H, W), is used.

        Returns:
            Maps (B, out_channels, h, w) for (4H, 4W), (2H, 2W), (H, W), then
            halved, rounded up. Contiguous, as mmcv's operators need them.
        """
        outputs = [
            project(scale(inputs[-1])) for scale, project in zip(self.scales, self.projections)
        ]
        while len(outputs) < self.num_outs:
            outputs.append(F.max_pool2d(outputs[-1], 1, stride=2))
        return tuple(x.contiguous() for x in outputs)


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of each cell of a map (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def upsampling(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    """Doubles the sides of a map."""
    return nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)
