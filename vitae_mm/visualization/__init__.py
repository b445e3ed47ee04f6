"""Predictions drawn on pictures, with the inferencers of the codebases."""

from .painter import build_painter

__all__ = ['build_painter']
