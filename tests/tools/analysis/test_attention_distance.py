"""tools/analysis/attention_distance.py with small models of every codebase."""

import json
import runpy
from types import SimpleNamespace

import cv2
import pytest
import torch
from mmengine.config import Config

from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError

from ...helpers import training
from ...helpers.archs import PATCH
from ...helpers.commands import ROOT

TOOL = 'tools/analysis/attention_distance.py'
WINDOWS = [
    'stages.0.reduction.attn',
    'stages.0.cells.0.attn',
    'stages.1.reduction.attn',
    'stages.1.cells.0.attn',
]


@pytest.fixture
def images(data):
    return data / 'classes/val'


@pytest.fixture
def network(data, tmp_path):
    """Writes a config of a codebase and a checkpoint with random weights."""

    def make(write=training.write_classifier, name='c', **backbone):
        path = write(tmp_path / f'{name}.py', data)
        cfg = Config.fromfile(path)
        if backbone:
            cfg.model.backbone = dict(backbone)
            cfg.dump(path)
        torch.save(build_model(cfg).state_dict(), path.with_suffix('.pth'))
        return path, path.with_suffix('.pth')

    return make


@pytest.fixture
def measure(run_tool, tmp_path):
    """Runs the tool and returns the JSON that it writes."""

    def run(*arguments):
        out = tmp_path / 'out'
        run_tool(
            TOOL, '--out', out / 'd.png', '--json', out / 'd.json', '--device', 'cpu', *arguments
        )
        assert cv2.imread(str(out / 'd.png')).std() > 10
        return json.loads((out / 'd.json').read_text())

    return run


@pytest.mark.parametrize(
    'write, size',
    [
        (training.write_classifier, [32, 32]),
        pytest.param(training.write_detector, [48, 64], marks=pytest.mark.slow),
        pytest.param(training.write_segmentor, [192, 256], marks=pytest.mark.slow),
        pytest.param(training.write_pose_estimator, [64, 64], marks=pytest.mark.slow),
    ],
)
def test_networks_of_every_codebase_are_measured_on_their_test_set(write, size, network, measure):
    found = measure(*network(write), '--count', 2)
    assert list(found) == ['c'] and found['c']['images'] == 2
    assert found['c']['input_sizes'] == [size]
    assert [layer['name'] for layer in found['c']['layers']] == WINDOWS
    assert [layer['stride'] for layer in found['c']['layers']] == [4, 4, 8, 8]
    for layer in found['c']['layers']:
        assert layer['mean'] == pytest.approx(sum(layer['heads']) / len(layer['heads']))
        # within windows of 7x7 positions
        assert 0 < layer['mean'] < 6 * 2**0.5 * layer['stride']


def test_two_networks_are_compared_on_a_folder(network, measure, images):
    patches = network(name='p', type='vitae_mm.ViTAE', arch=PATCH, img_size=32)
    both = *network(), '--compare', *patches
    options = '--images', images, '--count', 3, '--labels', 'windows', 'all'
    found = measure(*both, *options)
    assert list(found) == ['windows', 'all']
    assert [result['images'] for result in found.values()] == [3, 3]
    assert [layer['stride'] for layer in found['all']['layers']] == [16] * 3
    assert found == measure(*both, *options)
    other = measure(*both, *options, '--seed', 1)
    assert found['all']['layers'] != other['all']['layers']
    few = measure(*both, *options, '--layers', WINDOWS[1])
    assert few['windows']['layers'] == found['windows']['layers'][1:2]
    assert few['all']['layers'] == found['all']['layers'][:1]


def test_a_folder_is_read_like_a_test_set(network, measure, data):
    model = network()
    cfg = Config.fromfile(model[0])
    cfg.test_dataloader.dataset.indices = None  # all images
    cfg.dump(model[0])
    test_set = measure(*model, '--count', 1000)
    folder = measure(*model, '--count', 1000, '--images', data / 'classes/train')
    assert folder['c']['images'] == test_set['c']['images'] > 5
    for a, b in zip(folder['c']['layers'], test_set['c']['layers'], strict=True):
        assert a['heads'] == pytest.approx(b['heads'])


def test_layers_without_attention_are_reported(network, measure, images):
    with pytest.raises(
        InputError, match='--layers head: not an attention layer of c; choose from stages.0'
    ):
        measure(*network(), '--layers', 'head', WINDOWS[0])
    patches = network(name='p', type='vitae_mm.ViTAE', arch=PATCH, img_size=32)
    with pytest.raises(
        InputError, match='stages.1.cells.0.attn: not an attention layer of p; choose from'
    ):
        measure(*network(), '--compare', *patches, '--layers', WINDOWS[3])


def test_networks_without_attention_are_rejected(network, measure):
    resnet = network(type='ResNet', depth=18)
    with pytest.raises(InputError, match='ResNet has no attention'):
        measure(*resnet)


def test_folders_without_usable_images_are_rejected(network, measure, tmp_path, images):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(InputError, match='empty contains no images'):
        measure(*network(), '--images', tmp_path / 'empty')
    (tmp_path / 'empty/a.png').write_bytes(b'no picture')
    with pytest.raises(InputError, match=r'a.png cannot be decoded'):
        measure(*network(), '--images', tmp_path / 'empty')
    with pytest.raises(InputError, match='pose estimators need boxes'):
        measure(*network(training.write_pose_estimator), '--images', images)


@pytest.mark.parametrize(
    'options, words',
    [
        (['--count', 0], '--count 0: give a whole number'),
        (['--labels', 'a', 'b'], 'give one unique label per model in --labels, 1 in total'),
        (['--device', 'cuda:77'], '--device cuda:77: not available on this machine'),
    ],
)
def test_invalid_options_are_rejected(options, words, network, measure):
    with pytest.raises(InputError, match=words):
        measure(*network(), *options)


def test_one_config_twice_needs_labels(network, measure):
    with pytest.raises(InputError, match='one unique label per model in --labels, 2 in total'):
        measure(*network(), '--compare', *network())


def test_each_network_has_a_line():
    tool = SimpleNamespace(**runpy.run_path(str(ROOT / TOOL)))
    layers = [dict(mean=2.0, heads=[1.0, 3.0]), dict(mean=4.0, heads=[4.0, 4.0])]
    (panel,) = tool.draw(dict(a=dict(layers=layers), b=dict(layers=layers[:1]))).axes
    assert [line.get_label() for line in panel.lines] == ['a', 'b']
    assert panel.lines[0].get_xydata().tolist() == [[1, 2], [2, 4]]
    dots = panel.collections[0].get_offsets().tolist()
    assert dots == [[1, 1], [1, 3], [2, 4], [2, 4]]
    assert panel.get_ylim()[0] == 0 and panel.get_ylim()[1] > 4
    assert 'pixels' in panel.get_ylabel()
