"""Optimizer wrappers, and how they are built."""

from .bfloat16 import BFloat16OptimWrapper
from .layer_decay import LayerDecayOptimWrapperConstructor
from .merged import MergedOptimWrapperConstructor

__all__ = [
    'BFloat16OptimWrapper',
    'LayerDecayOptimWrapperConstructor',
    'MergedOptimWrapperConstructor',
]
