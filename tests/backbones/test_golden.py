"""The published weights give the published output."""
import pytest
import torch
from helpers import golden
from mmengine.registry import DefaultScope
from mmpretrain.registry import MODELS

from vitae_mm.backbones import ViTAEv2
from vitae_mm.checkpoints import convert_state_dict, identify_family

NETWORKS = [('ViTAEv2_S', 'small', 512),
            pytest.param('ViTAEv2_B', 'base', 1024, marks=pytest.mark.slow)]
SIZES = ['224x224', '224x320', '160x256', '416x608']


def converted(name):
    state = golden.published_weights(name)
    return convert_state_dict(state, identify_family(state))


@pytest.mark.parametrize('name, arch, width', NETWORKS)
def test_classification(name, arch, width):
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        model = MODELS.build(dict(
            type='ImageClassifier', backbone=dict(type='vitae_mm.ViTAEv2', arch=arch),
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=1000, in_channels=width)))
    model.load_state_dict(converted(name), strict=True)
    model.eval()
    expected = golden.outputs(name)
    with torch.no_grad():
        features = model.extract_feat(golden.image(2, 3, 224, 224))
        golden.assert_agree(features[-1], expected['features'])
        golden.assert_agree(model.head(features), expected['logits'])


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('name, arch, width', NETWORKS)
def test_dense(name, arch, width, size):
    model = ViTAEv2(arch, out_indices=(0, 1, 2, 3)).eval()
    model.load_state_dict({key.removeprefix('backbone.'): value
                           for key, value in converted(f'{name}_dense').items()}, strict=True)
    expected = golden.outputs(f'{name}_dense')
    with torch.no_grad():
        maps = model(golden.image(1, 3, *map(int, size.split('x'))))
    for i, m in enumerate(maps):
        figures = dict(mean=m.mean((2, 3)), std=m.std((2, 3)), corner=m[0, :8, :6, :6],
                       end=m[0, -8:, -6:, -6:])
        assert m.shape == tuple(expected[f'{size}_s{i}_shape'])
        for figure, value in figures.items():
            golden.assert_agree(value, expected[f'{size}_s{i}_{figure}'])
