"""tools/demo.py with small models of every codebase."""

import json
import shutil
from functools import partial

import cv2
import pytest
import torch
from mmengine.config import Config

from vitae_mm.engine.models import build_model
from vitae_mm.errors import InputError
from vitae_mm.visualization.media import Video, write_video

from ..helpers import training
from ..helpers.commands import complaint, run

pytestmark = pytest.mark.slow

TOOL = 'tools/demo.py'


@pytest.fixture
def inputs(data, tmp_path):
    folder = tmp_path / 'inputs'
    shutil.copytree(data / 'images/train', folder)
    images = sorted(folder.iterdir())
    write_video(map(cv2.imread, map(str, images)), folder / 'clip.mp4', 12.5)
    return folder


@pytest.fixture
def model(data, tmp_path):
    """Writes a config and a checkpoint."""

    def make(write):
        cfg = Config.fromfile(write(tmp_path / 'c.py', data))
        torch.save(build_model(cfg).state_dict(), tmp_path / 'c.pth')
        return tmp_path / 'c.py', tmp_path / 'c.pth'

    return make


@pytest.fixture
def demo(run_tool):
    return partial(run_tool, TOOL)


@pytest.mark.parametrize('write', training.WRITERS.values(), ids=training.WRITERS)
def test_images_and_videos_are_drawn(write, model, inputs, demo, tmp_path):
    out = tmp_path / 'out'
    sheet = tmp_path / 'sheet.png'
    demo(*model(write), inputs, '--out', out, '--json', '--device', 'cpu', '--sheet', sheet)
    assert min(cv2.imread(str(sheet)).shape[:2]) > 400
    pictures = sorted(out.glob('*.jpg'))
    assert [path.name for path in pictures] == [f'{i:06d}.jpg' for i in range(5)]
    assert all(cv2.imread(str(path)).shape[0] == 384 for path in pictures)
    video = Video(out / 'clip.mp4')
    assert video.rate == 12.5 and len(list(video)) == 5
    # compression changes the frames, and so the predictions
    lines = (out / 'clip.mp4.json').read_text().splitlines()
    assert [json.loads(line).keys() for line in lines] == [
        json.loads((out / f'{path.name}.json').read_text()).keys() for path in pictures
    ]


def test_damaged_inputs_are_reported_and_the_others_drawn(model, inputs, tmp_path):
    (inputs / '000000.jpg').write_bytes(b'')
    (inputs / 'clip.mp4').write_bytes(b'no video')
    out = tmp_path / 'out'
    message = complaint(
        run('python', TOOL, *model(training.write_classifier), inputs, '--out', out)
    )
    assert '2 of 6 inputs could not be drawn' in message
    assert '000000.jpg cannot be decoded' in message and 'clip.mp4 cannot be decoded' in message
    assert len(list(out.iterdir())) == 4


def test_poses_are_found_in_boxes(model, inputs, data, demo, tmp_path):
    annotations = data / 'annotations/keypoints_train.json'
    with pytest.raises(InputError, match=r'contain none for .*clip\.mp4'):
        demo(
            *model(training.write_pose_estimator),
            inputs,
            '--out',
            tmp_path / 'out',
            '--json',
            '--device',
            'cpu',
            '--boxes',
            annotations,
        )
    content = json.loads(annotations.read_text())
    wanted = [entry['bbox'] for entry in content['annotations'] if entry['image_id'] == 3]
    found = json.loads((tmp_path / 'out/000003.jpg.json').read_text())['instances']
    for (x, y, width, height), instance in zip(wanted, found, strict=True):
        assert instance['bbox'][0] == pytest.approx([x, y, x + width, y + height])


@pytest.mark.parametrize(
    'options, words',
    [
        (['--device', 'cuda:77'], '--device cuda:77: not available on this machine'),
        (['--score-thr', '.5'], 'only boxes and keypoints have scores'),
        (['--boxes', 'BOXES'], 'this config is for mmpretrain'),
        (['--sheet', 'sheet.txt'], r'sheet\.txt: give a file name that ends in \.png'),
    ],
)
def test_unusable_options_are_rejected(options, words, model, inputs, data, demo, tmp_path):
    options = [
        data / 'annotations/keypoints_train.json' if option == 'BOXES' else option
        for option in options
    ]
    with pytest.raises(InputError, match=words):
        demo(*model(training.write_classifier), inputs, '--out', tmp_path / 'out', *options)
    assert not (tmp_path / 'out').exists()
