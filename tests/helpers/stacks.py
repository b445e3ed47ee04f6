"""Skipping tests of what an older PyTorch, or the official OpenMMLab packages, cannot do."""

import matplotlib
import pytest

from vitae_mm.compat import TORCH
from vitae_mm.environment import installed_stack


def needs_torch(version, what):
    """Marks a test that PyTorch before a version, such as '2.6', cannot run."""
    older = tuple(map(int, version.split('.'))) > TORCH
    return pytest.mark.skipif(older, reason=f'{what} requires PyTorch {version}')


def needs_onedl(reason):
    """Marks a test that fails with an official package."""
    return pytest.mark.skipif(installed_stack() == 'official', reason=reason)


exact_pictures = pytest.mark.skipif(
    tuple(map(int, matplotlib.__version__.split('.')[:2])) < (3, 11),
    reason='Matplotlib before 3.11 moves parts of an image by a pixel',
)
"""Marks a test that compares pictures exactly; Matplotlib 3.11 requires Python 3.11."""
