"""Pictures of small models of every codebase."""

import re

import pytest
import torch
from mmengine.config import Config

from vitae_mm.engine.config import load_config
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError
from vitae_mm.web.network import Network

from ..helpers import training

pytestmark = pytest.mark.slow


@pytest.fixture
def network(data, tmp_path):
    """Builds a model with random weights, with changes of its config."""

    def make(write, **changes):
        path = write(tmp_path / 'c.py', data)
        cfg = Config.fromfile(path)
        cfg.merge_from_dict(changes)
        cfg.dump(path)
        torch.manual_seed(0)
        torch.save(build_model(cfg).state_dict(), tmp_path / 'c.pth')
        return Network(load_config(str(path)), str(tmp_path / 'c.pth'), device='cpu')

    return make


@pytest.fixture
def image(data):
    return next((data / 'images/train').iterdir())


@pytest.mark.parametrize(
    'scope, name, caption',
    [
        ('mmpretrain', r'class \d', 'gradcam of backbone.stages.1'),
        ('mmdet', r'\d+\. (circle|cross|square|star|triangle)', 'eigencam of backbone.stages.1'),
        ('mmseg', '(ground|circle|cross|square|star|triangle)', '% of the pixels'),
        ('mmpose', r'corner\d', 'eigencam of backbone.stages.1'),
    ],
)
def test_every_task_is_shown(scope, name, caption, network, image):
    shown = network(training.WRITERS[scope])
    found = shown.predict(image)
    assert found.picture.shape[0] == 384 and 0 < found.model_seconds < found.seconds
    assert all(re.fullmatch(name, each) for each in found.scores)
    scores = list(found.scores.values())
    assert scores == sorted(scores, reverse=True) and 0 < scores[0] <= 1
    picture, text = shown.explain(image)
    assert caption in text
    assert len(shown.layers) == 4
    attention = shown.attend(image, layer=shown.layers[-1], head=2, place=(0.5, 0.5))
    assert attention.picture.shape == picture.shape
    assert (attention.head, attention.heads) == (2, 2)


def test_the_cell_is_framed(network, image):
    shown = network(training.write_classifier)
    attention = shown.attend(image, layer='stages.0.cells.0.attn', head=5, place=(0.3, 0.9))
    assert attention.caption.startswith('row 3 of 8, column 8 of 8; largest weight 0.')
    assert attention.head == 0  # as the layer has no fifth one
    # cells of 40x40 pixels; the line has 2
    white = (attention.picture == 255).all(-1)
    assert (
        white[80, 280:319].all() and white[80:119, 280].all() and not white[90:110, 290:310].any()
    )


def test_networks_without_attention_say_so(network, image):
    resnet = dict(_delete_=True, type='ResNet', depth=18)
    changes = {'model.backbone': resnet, 'model.head.in_channels': 512}
    shown = network(training.write_classifier, **changes)
    assert shown.explain(image)[1].startswith('class ')
    with pytest.raises(InputError, match='ResNet has no attention weights to show'):
        shown.attend(image, layer=None, head=0, place=(0.5, 0.5))


def test_masked_autoencoders_only_predict(network, image):
    shown = network(training.write_pretraining)
    found = shown.predict(image)
    assert not found.scores and found.picture.shape[1] > 3 * found.picture.shape[0]
    with pytest.raises(InputError, match='not available for MAE'):
        shown.explain(image)
