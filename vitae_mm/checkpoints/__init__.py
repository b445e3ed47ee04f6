"""Checkpoint files: safe reading, strict loading, published <-> ours."""

from .convert import (
    BACKBONE,
    CLASSIFIER,
    Layout,
    convert_state_dict,
    identify_layout,
    publish_state_dict,
)
from .files import read_checkpoint, write_checkpoint
from .inflate import inflate_state_dict
from .loading import check_match, entries_below, inflated_keys, load_pretrained, misshapen_keys
from .mmengine_backend import use_safe_reader
from .unwrap import unaveraged, unwrap_state_dict

__all__ = [
    'BACKBONE',
    'CLASSIFIER',
    'Layout',
    'check_match',
    'convert_state_dict',
    'entries_below',
    'identify_layout',
    'inflate_state_dict',
    'inflated_keys',
    'load_pretrained',
    'misshapen_keys',
    'publish_state_dict',
    'read_checkpoint',
    'unaveraged',
    'unwrap_state_dict',
    'use_safe_reader',
    'write_checkpoint',
]
