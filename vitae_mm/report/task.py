"""The base class of what a report shows of a task, and finding it for a codebase."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, ClassVar

import numpy as np
from matplotlib.figure import Figure
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from vitae_mm.visualization.drawer import Drawer, build_drawer
from vitae_mm.visualization.media import read_image

TASKS = dict(
    mmpretrain='classification:ClassificationTask',
    mmdet='detection:DetectionTask',
    mmseg='segmentation:SegmentationTask',
    mmpose='pose:PoseTask',
)
"""Tasks by default_scope, imported when needed, as only one codebase may be installed."""


@dataclass(frozen=True)
class Judgment:
    """How good the prediction of an image is.

    Attributes:
        quality: 1 for a perfect prediction; the lower, the worse.
        caption: What to write below its picture.
        record: What charts need of this image.
    """

    quality: float
    caption: str
    record: Any = None


@dataclass
class Summary:
    """What a report shows of all images.

    Attributes:
        table: Scores by class or keypoint: columns by name.
        charts: Charts by file name without suffix.
        data: Values of the charts, in types that JSON supports.
        left_out: Sentences on what cannot be shown, and why.
    """

    table: dict[str, dict[str, float]] = field(default_factory=dict)
    charts: dict[str, Figure] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


class Task:
    """What a report shows of a task.

    Attributes:
        scope: Its codebase.
        truth: Field of the data samples that holds the ground truth.
        dataset: The test set.
        metrics: Metrics of the evaluator.
        drawer: Draws truth and predictions.
    """

    scope: ClassVar[str]
    truth: ClassVar[str]

    def __init__(self, dataset: Any, metrics: Sequence[BaseMetric]):
        self.dataset = dataset
        self.metrics = metrics
        self.drawer: Drawer = build_drawer(self.scope, dataset.metainfo)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Records what the metrics compute in the block, for :meth:`summarize`."""
        yield

    def judge(
        self, indices: Sequence[int], samples: Sequence[BaseDataElement]
    ) -> list[Judgment | None]:
        """Judges the predictions of a batch, after the metrics have processed it.

        Args:
            indices: Places of the samples in the dataset.
            samples: Predictions, as the metrics get them.

        Returns:
            A judgment for each sample, or None where there is no truth to compare with.
        """
        raise NotImplementedError

    def choose(self, indices: set[int]) -> None:
        """Chooses the samples of the contact sheet."""
        self.chosen = indices

    def is_chosen(self, index: int, sample: BaseDataElement) -> bool:
        """Whether a sample belongs to the contact sheet."""
        return index in self.chosen

    def keep(self, sample: BaseDataElement) -> BaseDataElement:
        """Returns what is needed to draw a sample, on the CPU."""
        raise NotImplementedError

    def with_truth(self, index: int, sample: BaseDataElement) -> BaseDataElement:
        """Returns a kept sample with the ground truth at the size of the image."""
        return sample

    def image(self, index: int, sample: BaseDataElement) -> np.ndarray:
        """Returns the image of a kept sample, (H, W, 3) BGR uint8."""
        if path := sample.get('img_path'):
            return read_image(Path(path))
        # datasets with decoded images give RGB
        return np.asarray(self.dataset.get_data_info(index)['img'])[..., ::-1]

    def draw(self, samples: Mapping[int, BaseDataElement]) -> np.ndarray:
        """Draws the truth beside the prediction.

        Args:
            samples: A group of kept samples.

        Returns:
            (H, W, 3) BGR uint8.
        """
        index, first = next(iter(samples.items()))
        image = self.image(index, first)
        sample = self.merge([self.with_truth(i, entry) for i, entry in samples.items()])
        draw = self.drawer.draw
        if self.truth not in sample or not self.drawer.side_by_side:
            return draw(image, sample, truth=self.truth in sample)
        true, found = draw(image, sample, truth=True), draw(image, sample)
        gap = np.full((len(true), max(len(true) // 40, 4), 3), 255, np.uint8)
        return np.hstack([true, gap, found])

    def group(self, samples: Mapping[int, BaseDataElement]) -> list[list[int]]:
        """Returns the indices of samples that are drawn on one picture."""
        return [[index] for index in samples]

    def merge(self, samples: list[BaseDataElement]) -> BaseDataElement:
        """Returns a group as one sample."""
        (sample,) = samples
        return sample

    def summarize(self, judgments: Mapping[int, Judgment]) -> Summary:
        """Returns the scores by class and the charts.

        Args:
            judgments: Of the images of all processes, in the order of the dataset.
        """
        raise NotImplementedError


def find_task(scope: str) -> type[Task]:
    """Returns the class for a codebase, one of ``TASKS``."""
    task: type[Task] = resolve_name(f'{__package__}.{TASKS[scope]}')
    return task


def shape_of(sample: BaseDataElement) -> tuple[int, int]:
    """Returns height and width of the image of a sample."""
    height, width = np.array(sample.get('ori_shape'))[:2].tolist()
    return height, width
