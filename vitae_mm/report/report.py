"""The files of a report."""

import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.structures import BaseDataElement

from vitae_mm.errors import InputError, describe_error
from vitae_mm.io import write_text
from vitae_mm.visualization.contact_sheet import contact_sheet, shrink, write_sheet
from vitae_mm.visualization.media import write_image

from .page import render_page
from .task import Judgment, Summary, Task

DATA, PAGE, SHEET = 'report.json', 'index.html', 'contact_sheet.png'
"""Files of a report."""

GENERATOR = 'vitae_mm tools/test.py'

HEADING = 'left: ground truth, right: prediction'


@dataclass(frozen=True)
class Picture:
    """A drawn image with its caption."""

    name: str
    caption: str
    pixels: np.ndarray


@dataclass
class Report:
    """What a test leaves for its user.

    Attributes:
        scores: Scores of the metrics.
        about: What was tested, by name.
        left_out: Sentences on what cannot be shown, and why.
        summary: Scores by class and charts.
        shown: Pictures of the contact sheet.
        worst: Pictures of the worst images.
        colors: Colors of classes or keypoints, by name.
        heading: Title of the contact sheet.
        page: File of the page; None until it is written.
    """

    scores: dict[str, float]
    about: Mapping[str, str]
    left_out: list[str]
    summary: Summary = field(default_factory=Summary)
    shown: list[Picture] = field(default_factory=list)
    worst: list[Picture] = field(default_factory=list)
    colors: dict[str, Any] = field(default_factory=dict)
    heading: str = ''
    page: Path | None = None

    def add(
        self,
        task: Task,
        judgments: Mapping[int, Judgment],
        *,
        shown: Mapping[int, BaseDataElement],
        worst: Mapping[int, BaseDataElement],
    ) -> None:
        """Adds charts and pictures; what fails is left out.

        Args:
            task: What to show.
            judgments: Of all images, in the order of the dataset.
            shown: Kept samples of the contact sheet.
            worst: Kept samples of the worst images, beginning with the worst.
        """
        self.colors = task.drawer.colors
        self.heading = HEADING if task.drawer.side_by_side else ''
        try:
            self.summary = task.summarize(judgments)
        except Exception as error:  # of a metric that we do not know
            self.left_out.append(f'no charts: {describe_error(error)}.')
        self.left_out += self.summary.left_out
        try:
            self.shown = [
                _draw(task, {i: shown[i] for i in group}, judgments) for group in task.group(shown)
            ]
            self.worst = [_draw(task, {i: sample}, judgments) for i, sample in worst.items()]
        except Exception as error:  # of a dataset that we do not know
            self.left_out.append(f'no pictures: {describe_error(error)}.')

    def write(self, folder: Path) -> None:
        """Writes the report, in place of an earlier one."""
        temporary, earlier = (
            folder.with_name(f'.{folder.name}.{os.getpid()}.{suffix}') for suffix in ('tmp', 'old')
        )
        try:
            self._write_files(temporary)
            if folder.exists():
                folder.rename(earlier)
            temporary.rename(folder)
            self.page = folder / PAGE
        finally:
            for path in (temporary, earlier):
                shutil.rmtree(path, ignore_errors=True)

    def _write_files(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        for name, figure in self.summary.charts.items():
            figure.savefig(folder / f'{name}.png', dpi=150)
        if self.shown:
            # a picture without heading has the caption in it
            pictures = [
                (f'{shown.name}\n{shown.caption}' if self.heading else shown.name, shown.pixels)
                for shown in self.shown
            ]
            write_sheet(contact_sheet(pictures, self.colors, self.heading), folder / SHEET)
        worst = []
        for number, picture in enumerate(self.worst, start=1):
            path = folder / 'worst' / f'{number:02d}.jpg'
            write_image([picture.pixels], path)
            worst.append(
                dict(
                    image=picture.name,
                    caption=picture.caption,
                    picture=path.relative_to(folder).as_posix(),
                )
            )
        content = dict(
            generator=GENERATOR,
            about=dict(self.about),
            scores=self.scores,
            by_class=self.summary.table,
            worst=worst,
            data=self.summary.data,
            left_out=self.left_out,
        )
        write_text(folder / DATA, json.dumps(_finite(content), indent=1))
        page = render_page(
            content, charts=[f'{name}.png' for name in self.summary.charts], sheet=bool(self.shown)
        )
        write_text(folder / PAGE, page)


def check_folder(folder: Path) -> None:
    """Raises InputError if a folder exists that is not an earlier report."""
    if not folder.exists():
        return
    try:
        ours = json.loads((folder / DATA).read_text())['generator'] == GENERATOR
    except (OSError, ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        raise InputError(
            f'{folder} exists, but is not a report of this tool: move it, or choose another folder '
            'with --work-dir.'
        )


def _draw(
    task: Task, samples: Mapping[int, BaseDataElement], judgments: Mapping[int, Judgment]
) -> Picture:
    index, sample = next(iter(samples.items()))
    name = Path(sample.get('img_path') or f'image {index}').name
    captions = [judgments[i].caption for i in samples if i in judgments]
    # several poses would need too many words
    caption = captions[0] if len(captions) == 1 else ''
    return Picture(name, caption, shrink(task.draw(samples)))


def _finite(value: Any) -> Any:
    """Replaces nan, which JSON does not have, by None."""
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
