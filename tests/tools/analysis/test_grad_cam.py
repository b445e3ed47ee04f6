"""tools/analysis/grad_cam.py with small models."""

import runpy
import shutil
from itertools import pairwise
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from vitae_mm.analysis.class_activation import ClassActivation
from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError

from ...helpers import training
from ...helpers.archs import PATCH
from ...helpers.commands import ROOT, complaint, run

TOOL = 'tools/analysis/grad_cam.py'


@pytest.fixture
def images(data, tmp_path):
    """A folder with two images."""
    for i, file in enumerate(sorted((data / 'images/train').iterdir())[:2]):
        (tmp_path / 'images').mkdir(exist_ok=True)
        shutil.copy(file, tmp_path / f'images/{i}{file.suffix}')
    return tmp_path / 'images'


@pytest.fixture
def network(data, tmp_path):
    """Writes a config for images of 64x64 and a checkpoint with random weights."""

    def make(name='c', write=training.write_classifier, **backbone):
        path = write(tmp_path / f'{name}.py', data)
        cfg = Config.fromfile(path)
        if write is training.write_classifier:
            cfg.test_dataloader.dataset.pipeline[1].scale = (64, 64)
        cfg.model.backbone = backbone or cfg.model.backbone
        cfg.dump(path)
        torch.manual_seed(0)
        torch.save(build_model(cfg).state_dict(), path.with_suffix('.pth'))
        return path, path.with_suffix('.pth')

    return make


@pytest.fixture
def explain(run_tool):
    return lambda *arguments: run_tool(TOOL, *arguments, '--device', 'cpu')


def test_all_images_and_networks_are_in_one_picture(network, images, explain, tmp_path):
    out = tmp_path / 'out/a.png'
    patches = network('p', type='vitae_mm.ViTAE', arch=PATCH)
    printed = explain(*network(), images, '--compare', *patches, '--out', out)
    assert 'c: gradcam of backbone.stages.1.cells.0.attn' in printed
    assert 'p: gradcam of backbone.stages.0.cells.2.attn' in printed
    assert cv2.imread(str(out)).std() > 10


def test_each_image_has_a_picture(network, images, explain, tmp_path):
    explain(*network(), images, '--method', 'eigencam', '--out', tmp_path / 'out')
    pictures = sorted((tmp_path / 'out').iterdir())
    assert [path.name for path in pictures] == ['0.png', '1.png']
    assert (tmp_path / 'out/0.png').read_bytes() != (tmp_path / 'out/1.png').read_bytes()


def test_each_network_has_its_own_layer(network, images, explain, tmp_path):
    layers = [f'backbone.stages.{i}.cells.0.attn' for i in (1, 0)]
    both = *network(), images, '--compare', *network('d'), '--out', tmp_path / 'a.png'
    printed = explain(*both, '--target-layer', *layers, '--labels', 'x', 'y')
    assert f'x: gradcam of {layers[0]}' in printed and f'y: gradcam of {layers[1]}' in printed
    with pytest.raises(InputError, match='one for all networks, or one for each of the 2'):
        explain(*both, '--target-layer', *layers, layers[0])


def test_panels_are_images_and_networks(images):
    tool = SimpleNamespace(**runpy.run_path(str(ROOT / TOOL)))
    heat = np.zeros((4, 6), np.float32)
    heat[1, 2] = 1
    first, second = sorted(images.iterdir())

    def shown(caption, heat):
        return ClassActivation(np.full((4, 6, 3), 99, np.uint8), heat, 'layer', caption)

    row = dict(x=shown('newt 0.90', heat), y=shown('newt 0.10, predicted toad 0.80', 0 * heat))
    figure = tool.draw([(first, row), (second, row)])
    panels = figure.axes[:-1]
    assert [panel.get_title() for panel in panels] == ['image', 'x', 'y', '', '', '']
    captions = [panel.get_xlabel() for panel in panels[:3]]
    assert captions == ['', 'newt 0.90', 'newt 0.10\npredicted toad 0.80\nno positive evidence']
    assert panels[3].get_ylabel() == 'images\n1'
    pixels, overlay = panels[1].get_images()
    assert (pixels.get_array() == 99).all() and (overlay.get_array() == heat).all()
    assert overlay.get_clim() == (0, 1)
    (original,) = panels[0].get_images()
    assert (original.get_array() == cv2.imread(str(first))[..., ::-1]).all()
    assert 'class activation' in figure.axes[-1].get_xlabel()


@pytest.mark.parametrize(
    'options, words',
    [
        (['--method', 'cam'], "method 'cam': give one of gradcam"),
        (['--category', 4], 'category 4: ImageClassifier has 4 classes; give a number from 0 to 3'),
        (
            ['--target-layer', 'neck.x'],
            "layer 'neck.x': .* named_modules.., such as backbone.stages.0.reduction.attn, ",
        ),
        (['--labels', 'x', 'y'], 'one unique label per model in --labels, 1 in total'),
        (['--device', 'cuda:77'], '--device cuda:77: not available on this machine'),
    ],
)
def test_invalid_options_are_rejected(options, words, network, images, run_tool, tmp_path):
    with pytest.raises(InputError, match=words):
        run_tool(TOOL, *network(), images, '--device', 'cpu', '--out', tmp_path / 'a.png', *options)
    assert not (tmp_path / 'a.png').exists()


def test_files_that_are_not_images_are_reported(network, images, explain, tmp_path):
    model, out = network(), ('--out', tmp_path / 'a.png')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(InputError, match='empty contains no images'):
        explain(*model, tmp_path / 'empty', *out)
    with pytest.raises(InputError, match='gone.png cannot be read'):
        explain(*model, tmp_path / 'gone.png', *out)
    (images / '2.png').write_text('no picture')
    with pytest.raises(InputError, match='2.png cannot be decoded'):
        explain(*model, images, *out)


def test_pictures_do_not_replace_images(network, images, explain, tmp_path):
    model = network()
    shutil.copy(images / '0.jpg', images / '0.png')
    with pytest.raises(InputError, match='0.png is one of the images'):
        explain(*model, images / '0.png', '--out', images)
    with pytest.raises(InputError, match='0.png is one of the images'):
        explain(*model, images / '0.png', '--out', images / '0.png')
    with pytest.raises(InputError, match='some images have the same name'):
        explain(*model, images, '--out', tmp_path / 'out')
    with pytest.raises(InputError, match='a.jpg: give a file name that ends in .png'):
        explain(*model, images, '--out', tmp_path / 'a.jpg')


def test_a_detector_shows_its_maps_alone(network, images, explain, tmp_path):
    model = network(write=training.write_detector)
    printed = explain(*model, images, '--out', tmp_path / 'a.png')
    assert 'c: eigencam of backbone.stages.1.cells.0.attn' in printed
    with pytest.raises(InputError, match='no score with a gradient; give one of eigencam, fem'):
        explain(*model, images, '--out', tmp_path / 'b.png', '--method', 'gradcam')
    assert not (tmp_path / 'b.png').exists()


@pytest.mark.slow
def test_the_command_reports_the_error(network, images, tmp_path):
    done = run('python', TOOL, *network(), images, '--out', tmp_path / 'a.png', '--category', 9)
    assert complaint(done).startswith('error: category 9: ImageClassifier has 4 classes')


def test_names_of_flat_images_do_not_overlap(tmp_path):
    tool = SimpleNamespace(**runpy.run_path(str(ROOT / TOOL)))
    shown = ClassActivation(np.zeros((8, 64, 3), np.uint8), np.ones((8, 64)), 'layer', '')
    paths = [tmp_path / f'a_long_name_of_an_image_{i}.png' for i in range(3)]
    for path in paths:
        cv2.imwrite(str(path), np.zeros((8, 64, 3), np.uint8))
    figure = tool.draw([(path, dict(x=shown)) for path in paths])
    figure.draw_without_rendering()
    names = [panel.yaxis.label.get_window_extent() for panel in figure.axes[:-1:2]]
    assert len(names) == 3
    assert all(above.y0 > below.y1 for above, below in pairwise(names))
