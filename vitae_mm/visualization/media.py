"""Finding, reading and writing images and videos."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import mmcv
import numpy as np

from vitae_mm.errors import InputError
from vitae_mm.io import write_atomically

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')
VIDEO_SUFFIXES = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg')


@dataclass(frozen=True)
class Job:
    """An image or video, and the file to draw it to."""

    source: Path
    target: Path

    @property
    def is_video(self) -> bool:
        return self.source.suffix.lower() in VIDEO_SUFFIXES

    @property
    def records(self) -> Path:
        """File of the predictions, with one line per image or frame."""
        return self.target.with_name(f'{self.target.name}.json')


def plan_jobs(inputs: Sequence[Path], out: Path, overwrite: bool = False) -> list[Job]:
    """Finds images and videos, also in folders, and checks the files to write.

    Args:
        inputs: Files, or folders, which are searched with their subfolders.
        out: Folder to draw into, with the subfolders of an input folder.
        overwrite: Replace existing files. Defaults to False.

    Raises:
        InputError: If an input is missing, is neither an image nor a video, or is a folder without
            any; or if an output file exists, is an input, or belongs to two inputs.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f'{out} is not a folder: choose another one to draw into.')
    jobs = [
        Job(source, _target(out / source.relative_to(base)))
        for path in inputs
        for source, base in _find(path, out)
    ]
    sources = {job.source.resolve() for job in jobs}
    targets: dict[Path, Path] = {}
    for job in jobs:
        if job.target in targets:
            raise InputError(
                f'{targets[job.target]} and {job.source} would both be drawn to {job.target}: '
                'draw them into two folders.'
            )
        targets[job.target] = job.source
        if job.target.resolve() in sources:
            raise InputError(
                f'{job.source} would be drawn over the input {job.target}: choose another folder '
                'to draw into.'
            )
        for path in (job.target, job.records):
            if path.exists() and not overwrite:
                raise InputError(f'{path} exists: choose another folder, or give --overwrite.')
    return jobs


def find_files(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Returns the files with these suffixes in a folder and its subfolders, sorted and without
    hidden ones."""
    return [
        path
        for path in sorted(folder.rglob('*'))
        if path.suffix.lower() in suffixes and path.is_file() and not path.name.startswith('.')
    ]


def read_image(path: Path) -> np.ndarray:
    """Reads an image of any depth and color space as (H, W, 3) BGR uint8.

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
            f'image {path} cannot be decoded: it is {_damage(path)}; copy or export it again.'
        )
    return image


class Video:
    """A video file, read frame by frame.

    Attributes:
        rate: Frames per second.
        length: Number of frames according to the file; 0 if it is unknown.
    """

    def __init__(self, path: Path):
        self.path = path
        self.capture = cv2.VideoCapture(str(path))
        self.rate = self.capture.get(cv2.CAP_PROP_FPS)
        self.length = max(int(self.capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yields frames, (H, W, 3) BGR uint8.

        Raises:
            InputError: If the video cannot be decoded.
        """
        found, frame = self.capture.read()
        if not found:
            raise InputError(
                f'video {self.path} cannot be decoded: it is {_damage(self.path)}; copy or export '
                'it again.'
            )
        while found:
            yield frame
            found, frame = self.capture.read()


def write_image(pictures: Iterable[np.ndarray], path: Path) -> None:
    """Writes a single picture, (H, W, 3) BGR uint8, atomically."""
    (picture,) = pictures

    def write(temporary: Path) -> None:
        if not cv2.imwrite(str(temporary), picture):
            raise InputError(f'{path.parent}: pictures cannot be written here; is the disk full?')

    write_atomically(path, write)


def write_video(pictures: Iterable[np.ndarray], path: Path, rate: float) -> None:
    """Writes an MPEG-4 video atomically, frame by frame.

    Args:
        pictures: (H, W, 3), BGR uint8, all of the same size.
        path: File to write.
        rate: Frames per second.

    Raises:
        InputError: If there is no encoder for this size and rate.
    """

    def write(temporary: Path) -> None:
        writer: Any = None
        for picture in pictures:
            if writer is None:
                size = picture.shape[1::-1]
                codec = cv2.VideoWriter.fourcc(*'mp4v')
                writer = cv2.VideoWriter(
                    filename=str(temporary), fourcc=codec, fps=rate, frameSize=size
                )
                if not writer.isOpened():
                    raise InputError(
                        f'{path.parent}: a video of {size[0]}x{size[1]} pixels and {rate} frames '
                        'per second cannot be written; draw its frames as images.'
                    )
            writer.write(picture)
        writer.release()

    write_atomically(path, write)


def _find(path: Path, out: Path) -> Iterator[tuple[Path, Path]]:
    """Yields files, each with the folder that its output path is relative to."""
    suffixes = IMAGE_SUFFIXES + VIDEO_SUFFIXES
    if path.is_dir():
        # earlier output in a subfolder of the inputs is not an input
        drawn = out.resolve() if path.resolve() in out.resolve().parents else None
        files = [f for f in find_files(path, suffixes) if drawn not in f.resolve().parents]
        if not files:
            raise InputError(f'folder {path} contains no images or videos ({" ".join(suffixes)}).')
        yield from ((file, path) for file in files)
    elif not path.exists():
        raise InputError(f'{path} does not exist: give images, videos or folders of them.')
    elif path.suffix.lower() not in suffixes:
        raise InputError(
            f'{path} is neither an image ({" ".join(IMAGE_SUFFIXES)}) nor a video '
            f'({" ".join(VIDEO_SUFFIXES)}).'
        )
    else:
        yield path, path.parent


def _target(path: Path) -> Path:
    return path.with_suffix('.mp4') if path.suffix.lower() in VIDEO_SUFFIXES else path


def _damage(path: Path) -> str:
    return 'damaged or in another format' if path.stat().st_size else 'empty (0 bytes)'
