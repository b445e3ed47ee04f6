"""Files converted by version 0.1.0 load and give the same outputs."""

from pathlib import Path

import numpy as np
import pytest
import torch

from vitae_mm.checkpoints import load_pretrained

from ..helpers import golden
from ..helpers.archs import NARROW, classifier_out_type

FOLDER = Path(__file__).parent / 'converted'
"""Narrow networks with random weights."""


@pytest.mark.parametrize('name', NARROW)
def test_converted_files_load(name):
    network, arch = NARROW[name]
    model = network(arch, out_type=classifier_out_type(network))
    load_pretrained(model, FOLDER / f'{name}.pth')
    with torch.no_grad():
        output = model.eval()(golden.image(1, 3, 70, 90))[0]
    with np.load(FOLDER / 'outputs.npz') as expected:
        golden.assert_agree(output, expected[name])
