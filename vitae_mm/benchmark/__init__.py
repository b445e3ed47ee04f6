"""Measuring time and memory of networks side by side."""

from .measure import peak_bytes
from .networks import load_network

__all__ = ['load_network', 'peak_bytes']
