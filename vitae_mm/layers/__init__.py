"""Layers and pure functions on channels-last maps, in plain PyTorch."""

from .attention import FullAttention
from .checkpointing import run_module
from .class_attention import LayerwiseClassAttention
from .devices import format_weights
from .feed_forward import FeedForward
from .image_to_tokens import ImageToTokens
from .local_feed_forward import LocalFeedForward
from .masking import VisibleTokens, visible_count
from .parallel_conv import ParallelConv, inflate_kernel, is_inflatable
from .patch_embedding import PatchEmbedding
from .performer_attention import PerformerAttention
from .pyramid_reduction import PyramidReduction
from .tokens import POSITIONS, TokenEmbedding, join_tokens, resize_positions, split_tokens
from .window import next_multiple, pad_map, pad_to_windows, partition_windows
from .window_attention import WindowAttention

__all__ = [
    'POSITIONS',
    'FeedForward',
    'FullAttention',
    'ImageToTokens',
    'LayerwiseClassAttention',
    'LocalFeedForward',
    'ParallelConv',
    'PatchEmbedding',
    'PerformerAttention',
    'PyramidReduction',
    'TokenEmbedding',
    'VisibleTokens',
    'WindowAttention',
    'format_weights',
    'inflate_kernel',
    'is_inflatable',
    'join_tokens',
    'next_multiple',
    'pad_map',
    'pad_to_windows',
    'partition_windows',
    'resize_positions',
    'run_module',
    'split_tokens',
    'visible_count',
]
