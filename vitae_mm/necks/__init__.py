"""Necks between the backbones of this package and the heads of the codebases."""

from .simple_feature_pyramid import SimpleFeaturePyramid

__all__ = ['SimpleFeaturePyramid']
