"""Drawing predictions on images and videos."""

from .painter import Painter, build_painter

__all__ = ['Painter', 'build_painter']
