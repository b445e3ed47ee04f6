"""Layer-wise learning rate decay."""

from typing import Any

from mmengine.logging import print_log
from torch import nn

from vitae_mm.errors import InputError
from vitae_mm.registry import OPTIM_WRAPPER_CONSTRUCTORS

from .merged import MergedOptimWrapperConstructor


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayOptimWrapperConstructor(MergedOptimWrapperConstructor):
    """Decays the learning rate from the heads down to the first layer of the backbone.

    The learning rate of parameters in layer ``l`` of ``L`` is multiplied by
    ``layer_decay_rate ** (L - 1 - l)``. Each normal cell is a layer, and so is each reduction with
    the embedding after it. The last layer is everything after them: in the backbone (final norm,
    class attention), the neck and the heads.

    Besides the options of mmengine's default constructor, ``paramwise_cfg`` accepts
    ``layer_decay_rate`` in (0, 1], named as in mmpretrain. Backbones of other projects need a
    method ``get_layer_depth``, as in mmpretrain.

    Raises:
        InputError: For a missing or invalid rate, an optimizer without a learning rate, or a
            backbone without ``get_layer_depth``.

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
                f'optim_wrapper.paramwise_cfg: layer_decay_rate={rate!r}: give a number in '
                '(0, 1], such as .75.'
            )
        if self.base_lr is None:
            raise InputError(
                'optim_wrapper.optimizer has no lr, which layer_decay_rate scales: set it.'
            )

    def _adjust(self, params: list[dict], model: nn.Module) -> None:
        backbone: Any = getattr(model, 'backbone', None)
        if not hasattr(backbone, 'get_layer_depth'):
            raise InputError(
                f'layer_decay_rate: the layers of the backbone {type(backbone).__name__} of '
                f'{type(model).__name__} are unknown: remove the constructor, or use a backbone '
                'with get_layer_depth, such as those of vitae_mm.'
            )
        rate = self.paramwise_cfg['layer_decay_rate']
        names = {parameter: name for name, parameter in model.named_parameters()}
        multipliers = {}
        for group in params:
            layer, count = backbone.get_layer_depth(names[group['params'][0]], 'backbone.')
            multipliers[layer] = rate ** (count - 1 - layer)
            group['lr'] = group.get('lr', self.base_lr) * multipliers[layer]
        text = ', '.join(
            f'layer {layer} x {multipliers[layer]:.3g}' for layer in sorted(multipliers)
        )
        print_log(f'layer-wise lr: {text}', logger='current')
