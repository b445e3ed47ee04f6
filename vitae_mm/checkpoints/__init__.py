"""Reading, strictly loading, identifying and converting checkpoints."""

from .convert import CLASSIFIER_PREFIX, convert_state_dict, publish_state_dict
from .identify import (
    BACKBONE_PREFIX,
    Layout,
    Variant,
    has_own_names,
    identify_layout,
    identify_network,
    nearest_network,
    register_variants,
)
from .inflate import inflate_state_dict
from .load import (
    check_finite,
    check_match,
    entries_below,
    inflated_keys,
    load_pretrained,
    load_state_dict,
    misshapen_keys,
    nonfinite_keys,
)
from .read import read_checkpoint, use_safe_reader, write_checkpoint
from .safetensors_file import SUFFIX as SAFETENSORS
from .unwrap import unaveraged, unwrap_state_dict

__all__ = [
    'BACKBONE_PREFIX',
    'CLASSIFIER_PREFIX',
    'SAFETENSORS',
    'Layout',
    'Variant',
    'check_finite',
    'check_match',
    'convert_state_dict',
    'entries_below',
    'has_own_names',
    'identify_layout',
    'identify_network',
    'inflate_state_dict',
    'inflated_keys',
    'load_pretrained',
    'load_state_dict',
    'misshapen_keys',
    'nearest_network',
    'nonfinite_keys',
    'publish_state_dict',
    'read_checkpoint',
    'register_variants',
    'unaveraged',
    'unwrap_state_dict',
    'use_safe_reader',
    'write_checkpoint',
]
