"""Finding, reading and writing images and videos."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from vitae_mm.errors import InputError
from vitae_mm.visualization.media import Video, plan, read_image, write_image, write_video


def frames(number, size=(48, 64)):
    """Brighter from frame to frame."""
    return (np.full((*size, 3), 20 * i, np.uint8) for i in range(number))


@pytest.fixture
def folder(tmp_path):
    for name in ('b.jpg', 'a.PNG', 'sub/a.png', 'notes.txt', '.hidden.jpg'):
        path = tmp_path / 'in' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (4, 4)).save(path, 'png')
    write_video(frames(2), tmp_path / 'in/clip.mp4', 10)
    (tmp_path / 'in/clip.mp4').rename(tmp_path / 'in/clip.avi')
    return tmp_path / 'in'


def test_a_folder_stands_for_what_is_below_it(folder, tmp_path):
    jobs = plan([folder, folder / 'b.jpg'][:1], tmp_path / 'out')
    targets = [job.target.relative_to(tmp_path / 'out').as_posix() for job in jobs]
    assert targets == ['a.PNG', 'b.jpg', 'clip.mp4', 'sub/a.png']
    assert [job.is_video for job in jobs] == [False, False, True, False]


def test_what_was_drawn_into_a_folder_below_is_no_input(folder):
    write_image(frames(1), folder / 'drawn/b.jpg')
    assert len(plan([folder], folder / 'drawn', overwrite=True)) == 4


@pytest.mark.parametrize(
    'inputs, words',
    [
        (['absent.jpg'], 'absent.jpg does not exist'),
        (['in/notes.txt'], 'notes.txt is neither an image'),
        (['in/empty'], 'in/empty holds no images or videos'),
        (['in/a.PNG', 'in/sub/../a.PNG'], 'would both be drawn to'),
    ],
)
def test_inputs_that_cannot_be_drawn_are_named(folder, tmp_path, inputs, words):
    (folder / 'empty').mkdir()
    with pytest.raises(InputError, match=words):
        plan([tmp_path / name for name in inputs], tmp_path / 'out')


@pytest.mark.parametrize('there', ['b.jpg', 'b.jpg.json'])
def test_nothing_is_replaced_unasked(folder, tmp_path, there):
    (tmp_path / there).write_text('mine')
    with pytest.raises(InputError, match=f'{there} exists.*--overwrite'):
        plan([folder / 'b.jpg'], tmp_path)
    assert plan([folder / 'b.jpg'], tmp_path, overwrite=True)


def test_inputs_are_never_drawn_over(folder):
    with pytest.raises(InputError, match='would be drawn over the input'):
        plan([folder], folder, overwrite=True)


def test_a_file_is_no_folder_to_draw_into(folder):
    with pytest.raises(InputError, match='notes.txt is no folder'):
        plan([folder / 'b.jpg'], folder / 'notes.txt')


@pytest.mark.parametrize(
    'mode, suffix',
    [
        ('L', 'png'),
        ('LA', 'png'),
        ('P', 'png'),
        ('1', 'png'),
        ('RGBA', 'png'),
        ('I;16', 'png'),
        ('I;16', 'tif'),
        ('CMYK', 'jpg'),
        ('CMYK', 'tif'),
        ('RGB', 'webp'),
    ],
)
def test_every_depth_and_colour_space_is_read(mode, suffix, tmp_path):
    grey = np.linspace(0, 255, 64, dtype=np.uint8).reshape(8, 8).repeat(4, 0).repeat(4, 1)
    image = (
        Image.fromarray(grey.astype(np.uint16) * 257)
        if mode == 'I;16'
        else Image.fromarray(grey).convert('RGB').convert(mode, dither=0)
    )
    path = tmp_path / f'a.{suffix}'
    image.save(path)
    read = read_image(path)
    assert read.shape == (32, 32, 3) and read.dtype == np.uint8
    wanted = (grey > 127) * 255 if mode == '1' else grey
    assert np.abs(read.astype(int) - wanted[..., None]).mean() < 15


@pytest.mark.parametrize(
    'content, words', [(b'', 'empty'), (b'no image', 'damaged'), (None, 'cannot be read')]
)
def test_images_that_cannot_be_decoded_are_named(content, words, tmp_path):
    if content is not None:
        (tmp_path / 'a.jpg').write_bytes(content)
    with pytest.raises(
        InputError, match=f'a.jpg cannot be .*{words}' if content is not None else f'a.jpg {words}'
    ):
        read_image(tmp_path / 'a.jpg')


@pytest.mark.parametrize('rate', [7.5, 30000 / 1001])
def test_a_video_keeps_rate_length_and_order(rate, tmp_path):
    write_video(frames(9, (47, 63)), tmp_path / 'a.mp4', rate)
    video = Video(tmp_path / 'a.mp4')
    assert video.rate == pytest.approx(rate, rel=1e-4) and video.length == 9
    means = [frame.mean() for frame in video]
    assert np.allclose(means, np.arange(9) * 20, atol=4)


def test_a_video_is_read_and_written_frame_by_frame(tmp_path):
    events = []

    def logged():
        for i, frame in enumerate(frames(3)):
            events.append(i)
            yield frame

    write_video(logged(), tmp_path / 'a.mp4', 10)
    reader = iter(Video(tmp_path / 'a.mp4'))
    next(reader)
    assert events == [0, 1, 2] and list(tmp_path.iterdir()) == [tmp_path / 'a.mp4']


@pytest.mark.parametrize('content, words', [(b'', 'empty'), (b'no video', 'damaged')])
def test_videos_that_cannot_be_decoded_leave_nothing(content, words, tmp_path):
    (tmp_path / 'a.mp4').write_bytes(content)
    with pytest.raises(InputError, match=f'a.mp4 cannot be decoded, it is {words}'):
        write_video(Video(tmp_path / 'a.mp4'), tmp_path / 'out/a.mp4', 10)
    assert not list((tmp_path / 'out').iterdir())


def test_a_rate_that_no_video_has_is_refused(tmp_path):
    with pytest.raises(InputError, match='64x48 pixels and 0 frames a second'):
        write_video(frames(1), tmp_path / 'a.mp4', 0)


def test_pictures_come_back_as_they_were(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (5, 7, 3), np.uint8)
    write_image([picture], tmp_path / 'new/a.png')
    assert np.array_equal(cv2.imread(str(tmp_path / 'new/a.png')), picture)
    assert not Path(tmp_path / 'new').joinpath('.a').exists()
