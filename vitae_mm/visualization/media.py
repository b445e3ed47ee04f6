"""Images and videos: finding, reading, writing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import mmcv
import numpy as np

from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically

IMAGES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')
VIDEOS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg')


@dataclass(frozen=True)
class Job:
    """An image or a video, and where it is drawn to."""

    source: Path
    target: Path

    @property
    def is_video(self) -> bool:
        return self.source.suffix.lower() in VIDEOS

    @property
    def records(self) -> Path:
        """Where predictions are written, a line for each image or frame."""
        return self.target.with_name(f'{self.target.name}.json')


def plan(inputs: Sequence[Path], out: Path, overwrite: bool = False) -> list[Job]:
    """Finds the images and videos of files and folders.

    Args:
        inputs: A folder stands for all in it and below.
        out: Folder to draw into; the folders below a folder are kept.
        overwrite: Replace what is there. Defaults to False.

    Raises:
        InputError: For an input that is missing, is neither image nor video,
            or is a folder without any; two that would be drawn to one file;
            a file that is there already or is an input itself.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f'{out} is no folder: choose another one to draw into.')
    jobs = [
        Job(source, _target(out / source.relative_to(base)))
        for path in inputs
        for source, base in _find(path, out)
    ]
    sources = {job.source.resolve() for job in jobs}
    targets = {}
    for job in jobs:
        if job.target in targets:
            raise InputError(
                f'{targets[job.target]} and {job.source} would both be drawn to '
                f'{job.target}: draw them into two folders.'
            )
        targets[job.target] = job.source
        if job.target.resolve() in sources:
            raise InputError(
                f'{job.source} would be drawn over the input {job.target}: choose '
                'another folder to draw into.'
            )
        for path in (job.target, job.records):
            if path.exists() and not overwrite:
                raise InputError(f'{path} exists: choose another folder, or give --overwrite.')
    return jobs


def read_image(path: Path) -> np.ndarray:
    """Reads an image of any depth and colour space as (H, W, 3) BGR uint8.

    Raises:
        InputError: If it cannot be read or decoded.
    """
    try:
        image = mmcv.imread(path) if path.stat().st_size else None
    except OSError as error:
        raise InputError(f'image {path} cannot be read: {error.strerror}.') from error
    except cv2.error as error:
        raise InputError(f'image {path} cannot be decoded ({error.err}).') from error
    if image is None:
        raise InputError(
            f'image {path} cannot be decoded, it is {_damage(path)}: copy or export it again.'
        )
    return image


class Video:
    """A video file, frame by frame.

    Attributes:
        rate: Frames per second.
        length: How many frames the file says that it has; 0 if it does not.

    Raises:
        InputError: If it cannot be decoded.
    """

    def __init__(self, path: Path):
        self.path = path
        self.capture = cv2.VideoCapture(str(path))
        self.rate = self.capture.get(cv2.CAP_PROP_FPS)
        self.length = max(int(self.capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yields (H, W, 3) BGR uint8."""
        found, frame = self.capture.read()
        if not found:
            raise InputError(
                f'video {self.path} cannot be decoded, it is {_damage(self.path)}: '
                'copy or export it again.'
            )
        while found:
            yield frame
            found, frame = self.capture.read()


def write_image(pictures: Iterable[np.ndarray], path: Path) -> None:
    """Writes the one picture, (H, W, 3) BGR uint8, whole or not at all."""
    (picture,) = pictures
    write_atomically(path, partial(_encode_image, picture))


def write_video(pictures: Iterable[np.ndarray], path: Path, rate: float) -> None:
    """Writes an MPEG-4 video whole or not at all, a frame at a time.

    Args:
        pictures: (H, W, 3), BGR uint8, all of one size.
        path: Ends in .mp4.
        rate: Frames per second.
    """
    write_atomically(path, partial(_encode_video, pictures, rate))


def _find(path: Path, out: Path) -> Iterator[tuple[Path, Path]]:
    """Files, and the folder that their place in the output counts from."""
    if path.is_dir():
        # what was drawn into a folder below the inputs is none
        drawn = out.resolve() if path.resolve() in out.resolve().parents else None
        files = [
            file
            for file in sorted(path.rglob('*'))
            if file.suffix.lower() in IMAGES + VIDEOS
            and file.is_file()
            and not file.name.startswith('.')
            and drawn not in file.resolve().parents
        ]
        if not files:
            raise InputError(
                f'the folder {path} holds no images or videos ({" ".join(IMAGES + VIDEOS)}).'
            )
        yield from ((file, path) for file in files)
    elif not path.exists():
        raise InputError(f'{path} does not exist: give images, videos or folders of them.')
    elif path.suffix.lower() not in IMAGES + VIDEOS:
        raise InputError(
            f'{path} is neither an image ({" ".join(IMAGES)}) nor a video ({" ".join(VIDEOS)}).'
        )
    else:
        yield path, path.parent


def _target(path: Path) -> Path:
    return path.with_suffix('.mp4') if path.suffix.lower() in VIDEOS else path


def _damage(path: Path) -> str:
    return 'damaged or of another format' if path.stat().st_size else 'empty (0 bytes)'


def _encode_image(picture: np.ndarray, path: Path) -> None:
    if not cv2.imwrite(str(path), picture):
        raise InputError(f'{path.parent}: pictures cannot be written there; is the disk full?')


def _encode_video(pictures: Iterable[np.ndarray], rate: float, path: Path) -> None:
    writer = None
    for picture in pictures:
        if writer is None:
            size = picture.shape[1::-1]
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), rate, size)
            if not writer.isOpened():
                raise InputError(
                    f'{path.parent}: a video of {size[0]}x{size[1]} pixels and {rate} '
                    'frames a second cannot be written: draw its frames as images.'
                )
        writer.write(picture)
    writer.release()
