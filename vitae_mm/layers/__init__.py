"""Small modules and pure functions on channels-last maps; torch only."""
from .attention import FullAttention, scaled_dot_product
from .feed_forward import FeedForward
from .parallel_conv import ParallelConv
from .performer_attention import PerformerAttention
from .pyramid_reduction import PyramidReduction
from .window import merge_windows, pad_to_windows, partition_windows, shift_mask
from .window_attention import WindowAttention

__all__ = [
    'FeedForward', 'FullAttention', 'ParallelConv', 'PerformerAttention', 'PyramidReduction',
    'WindowAttention', 'merge_windows', 'pad_to_windows', 'partition_windows',
    'scaled_dot_product', 'shift_mask'
]
