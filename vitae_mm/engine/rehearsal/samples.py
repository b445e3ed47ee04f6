"""The datasets of a run as objects: their parts, their classes and a sample of them."""

import copy
import random
from collections.abc import Iterator, Sequence
from typing import Any

from mmcv.transforms import LoadAnnotations, LoadImageFromFile
from mmengine.dataset import Compose

from vitae_mm.engine.hooks.sample_check import report_files, unwrap_datasets

from .rules import CocoSummary

SAMPLED = 100
"""Number of samples of a dataset that are loaded."""


def sample_indices(length: int, limit: int = SAMPLED) -> list[int]:
    """Returns the indices of all samples of a dataset or, beyond the limit, of a random sample
    that is the same in each call, in ascending order."""
    if length <= limit:
        return list(range(length))
    return sorted(random.Random(0).sample(range(length), limit))


def label_names(dataset: Any, summaries: Sequence[CocoSummary]) -> dict[int, str]:
    """Returns the class name of each label that a dataset gives.

    Args:
        dataset: A dataset of any codebase, or a wrapper.
        summaries: Its annotation files in COCO format. mmdet numbers classes in the order of the
            file, not in that of the dataset's ``classes``.
    """
    categories = {key: name for summary in summaries for key, name in summary.categories.items()}
    leaf = next(unwrap_datasets(dataset))
    labels = getattr(leaf, 'cat2label', None)
    if labels and categories:
        return {label: categories[category] for category, label in labels.items()}
    return dict(enumerate((getattr(leaf, 'metainfo', None) or {}).get('classes') or ()))


def load_sampled(dataset: Any, ignored: Sequence[int], limit: int = SAMPLED) -> Iterator[dict]:
    """Yields the content of sampled images with their annotations, without augmentation.

    Only the loading transforms of the pipeline run.

    Args:
        dataset: A dataset without wrappers.
        ignored: Labels in class maps that are not classes.
        limit: Maximum number of samples.

    Raises:
        InputError: If a file cannot be read or does not fit its annotations.
    """
    kinds = (LoadImageFromFile, LoadAnnotations)
    loading = [step for step in dataset.pipeline.transforms if isinstance(step, kinds)]
    loader = copy.copy(dataset)
    loader.pipeline = Compose(loading)
    report_files(loader, ignored)
    for index in sample_indices(len(dataset), limit):
        yield loader.pipeline(dataset.get_data_info(index))
