"""Optimizer wrappers and their constructors."""

from .layer_decay import LayerDecayOptimWrapperConstructor
from .merged import MergedOptimWrapperConstructor
from .mixed_precision import MixedPrecisionOptimWrapper

__all__ = [
    'LayerDecayOptimWrapperConstructor',
    'MergedOptimWrapperConstructor',
    'MixedPrecisionOptimWrapper',
]
