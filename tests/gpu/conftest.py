"""Tests on a GPU. They need neither a codebase of OpenMMLab nor mmcv's compiled operators."""

from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parent


# first, so that -m gpu selects these tests
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    skip = pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.gpu)
            item.add_marker(skip)


@pytest.fixture
def device():
    return torch.device('cuda')


@pytest.fixture(autouse=True)
def full_precision():
    """Turns off TensorFloat-32, whose products have the precision of float16."""
    backends = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [backend.allow_tf32 for backend in backends]
    for backend in backends:
        backend.allow_tf32 = False
    yield
    for backend, allowed in zip(backends, before, strict=True):
        backend.allow_tf32 = allowed


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)
