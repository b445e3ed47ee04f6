"""Optimizer wrappers and their constructors."""

from .bfloat16 import BFloat16OptimWrapper
from .layer_decay import LayerDecayOptimWrapperConstructor
from .merged import MergedOptimWrapperConstructor

__all__ = [
    'BFloat16OptimWrapper',
    'LayerDecayOptimWrapperConstructor',
    'MergedOptimWrapperConstructor',
]
