"""Finding, reading and writing images and videos."""

import cv2
import numpy as np
import pytest
from PIL import Image

from vitae_mm.errors import InputError
from vitae_mm.visualization.media import Video, plan_jobs, read_image, write_image, write_video


def frames(number, size=(48, 64)):
    """Frames of increasing brightness."""
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


def test_folders_are_searched_recursively(folder, tmp_path):
    jobs = plan_jobs([folder], tmp_path / 'out')
    targets = [job.target.relative_to(tmp_path / 'out').as_posix() for job in jobs]
    assert targets == ['a.PNG', 'b.jpg', 'clip.mp4', 'sub/a.png']
    assert [job.is_video for job in jobs] == [False, False, True, False]


def test_earlier_output_in_a_subfolder_is_not_an_input(folder):
    write_image(frames(1), folder / 'drawn/b.jpg')
    assert len(plan_jobs([folder], folder / 'drawn', overwrite=True)) == 4


@pytest.mark.parametrize(
    'inputs, words',
    [
        (['absent.jpg'], 'absent.jpg does not exist'),
        (['in/notes.txt'], 'notes.txt is neither an image'),
        (['in/empty'], 'in/empty contains no images or videos'),
        (['in/a.PNG', 'in/sub/../a.PNG'], 'would both be drawn to'),
    ],
)
def test_invalid_inputs_are_reported(folder, tmp_path, inputs, words):
    (folder / 'empty').mkdir()
    with pytest.raises(InputError, match=words):
        plan_jobs([tmp_path / name for name in inputs], tmp_path / 'out')


@pytest.mark.parametrize('there', ['b.jpg', 'b.jpg.json'])
def test_files_are_replaced_only_with_overwrite(folder, tmp_path, there):
    (tmp_path / there).write_text('mine')
    with pytest.raises(InputError, match=f'{there} exists.*--overwrite'):
        plan_jobs([folder / 'b.jpg'], tmp_path)
    assert plan_jobs([folder / 'b.jpg'], tmp_path, overwrite=True)


def test_inputs_are_never_overwritten(folder):
    with pytest.raises(InputError, match='would be drawn over the input'):
        plan_jobs([folder], folder, overwrite=True)


def test_the_output_must_be_a_folder(folder):
    with pytest.raises(InputError, match=r'notes\.txt is not a folder'):
        plan_jobs([folder / 'b.jpg'], folder / 'notes.txt')


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
def test_every_depth_and_color_space_is_read(mode, suffix, tmp_path):
    gray = np.linspace(0, 255, 64, dtype=np.uint8).reshape(8, 8).repeat(4, 0).repeat(4, 1)
    image = (
        Image.fromarray(gray.astype(np.uint16) * 257)
        if mode == 'I;16'
        else Image.fromarray(gray).convert('RGB').convert(mode, dither=0)
    )
    path = tmp_path / f'a.{suffix}'
    image.save(path)
    read = read_image(path)
    assert read.shape == (32, 32, 3) and read.dtype == np.uint8
    wanted = (gray > 127) * 255 if mode == '1' else gray
    assert np.abs(read.astype(int) - wanted[..., None]).mean() < 15


@pytest.mark.parametrize(
    'content, words',
    [(b'', 'cannot be .*empty'), (b'no image', 'cannot be .*damaged'), (None, 'cannot be read')],
)
def test_images_that_cannot_be_decoded_are_reported(content, words, tmp_path):
    if content is not None:
        (tmp_path / 'a.jpg').write_bytes(content)
    with pytest.raises(InputError, match=f'a.jpg {words}'):
        read_image(tmp_path / 'a.jpg')


@pytest.mark.parametrize('rate', [7.5, 30000 / 1001])
def test_rate_length_and_order_of_a_video_are_kept(rate, tmp_path):
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
def test_videos_that_cannot_be_decoded_leave_no_file(content, words, tmp_path):
    (tmp_path / 'a.mp4').write_bytes(content)
    with pytest.raises(InputError, match=f'a.mp4 cannot be decoded: it is {words}'):
        write_video(Video(tmp_path / 'a.mp4'), tmp_path / 'out/a.mp4', 10)
    assert not list((tmp_path / 'out').iterdir())


def test_an_invalid_frame_rate_is_rejected(tmp_path):
    with pytest.raises(InputError, match='64x48 pixels and 0 frames per second'):
        write_video(frames(1), tmp_path / 'a.mp4', 0)


def test_pictures_are_written_losslessly(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (5, 7, 3), np.uint8)
    write_image([picture], tmp_path / 'new/a.png')
    assert np.array_equal(cv2.imread(str(tmp_path / 'new/a.png')), picture)
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['a.png']
