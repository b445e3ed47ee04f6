"""Checkpoint files: safe reading, strict loading, published -> ours."""
from .convert import convert_state_dict, identify_family
from .files import read_checkpoint, write_checkpoint
from .loading import check_match, load_pretrained
from .mmengine_backend import use_safe_reader
from .unwrap import unwrap_state_dict

__all__ = [
    'check_match', 'convert_state_dict', 'identify_family', 'load_pretrained',
    'read_checkpoint', 'unwrap_state_dict', 'use_safe_reader', 'write_checkpoint'
]
