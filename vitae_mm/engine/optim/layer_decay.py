from mmengine.logging import print_log
from torch import nn

from vitae_mm.errors import InputError
from vitae_mm.registry import OPTIM_WRAPPER_CONSTRUCTORS

from .merged import MergedOptimWrapperConstructor

BACKBONE = 'backbone'
"""Where a model of any of the codebases keeps its backbone."""


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayOptimWrapperConstructor(MergedOptimWrapperConstructor):
    """Layer-wise lr decay: the deeper a layer of the backbone is, the nearer
    its learning rate is to that of the heads.

    Parameters of layer ``l`` out of ``L`` get ``layer_decay_rate ** (L - 1 - l)``
    times the learning rate that they had without it. A reduction, with the
    embedding behind it, is a layer, and so is each normal cell; the last layer
    is all that follows them, in the backbone (final norm, class attention) and
    outside of it (neck, heads).

    ``paramwise_cfg`` takes ``layer_decay_rate``, named as in mmpretrain, in
    (0, 1], beside everything that mmengine's default constructor takes.
    Backbones of other projects may be used if they offer ``get_layer_depth``,
    as those of mmpretrain do.

    Raises:
        InputError: For a rate that is missing or none, an optimizer without a
            learning rate, and a backbone whose layers are not known.

    Example:
        >>> optim_wrapper = dict(
        ...     constructor='vitae_mm.LayerDecayOptimWrapperConstructor',
        ...     optimizer=dict(type='AdamW', lr=1e-3, weight_decay=.05),
        ...     paramwise_cfg=dict(layer_decay_rate=.75, norm_decay_mult=0.))
    """

    def _validate_cfg(self) -> None:
        super()._validate_cfg()
        rate = self.paramwise_cfg.get('layer_decay_rate')
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate <= 1:
            raise InputError(
                f'optim_wrapper.paramwise_cfg: layer_decay_rate={rate!r}: give a '
                'number in (0, 1], such as .75.'
            )
        if self.base_lr is None:
            raise InputError(
                'optim_wrapper.optimizer has no lr, which layer_decay_rate would scale: set it.'
            )

    def _adjust(self, params: list[dict], model: nn.Module) -> None:
        backbone = getattr(model, BACKBONE, None)
        if not hasattr(backbone, 'get_layer_depth'):
            raise InputError(
                f'layer_decay_rate: the layers of the backbone '
                f'{type(backbone).__name__} of {type(model).__name__} are not known; '
                'leave the constructor out, or take a backbone with '
                'get_layer_depth, such as those of vitae_mm.'
            )
        rate = self.paramwise_cfg['layer_decay_rate']
        names = {parameter: name for name, parameter in model.named_parameters()}
        multipliers = {}
        for group in params:
            layer, count = backbone.get_layer_depth(names[group['params'][0]], f'{BACKBONE}.')
            multipliers[layer] = rate ** (count - 1 - layer)
            group['lr'] = group.get('lr', self.base_lr) * multipliers[layer]
        print_log(
            'layer-wise lr: '
            + ', '.join(
                f'layer {layer} x {multipliers[layer]:.3g}' for layer in sorted(multipliers)
            ),
            logger='current',
        )
