"""Reporting the file of a sample that cannot be used."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from mmengine.dataset import Compose
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from vitae_mm.errors import InputError
from vitae_mm.registry import HOOKS

FILES = ('img_path', 'seg_map_path')
"""Entries of a sample that name its files."""


@HOOKS.register_module()
class SampleCheckHook(Hook):
    """Makes datasets report the file of a failing sample.

    An image that cannot be decoded, or a class map with labels beyond the classes of the dataset,
    stops the run with a message that names the file, instead of an error from the decoder or, on
    GPUs, from the loss.
    """

    def before_train(self, runner: Runner) -> None:
        report_files(runner.train_dataloader.dataset, ignored_labels(runner.model))

    def before_val(self, runner: Runner) -> None:
        report_files(runner.val_dataloader.dataset, ignored_labels(runner.model))

    def before_test(self, runner: Runner) -> None:
        report_files(runner.test_dataloader.dataset, ignored_labels(runner.model))


def ignored_labels(model: nn.Module) -> set[int]:
    """Returns the labels that a segmentor's heads ignore, and 255, mmseg's padding."""
    labels = (getattr(module, 'ignore_index', None) for module in model.modules())
    return {255, *(label for label in labels if isinstance(label, int))}


def report_files(dataset: object, ignored: Collection[int] = (255,)) -> None:
    """Makes a dataset, or all datasets in a wrapper, raise :class:`InputError` with the files of a
    sample on which the pipeline fails.

    Args:
        dataset: A dataset of any codebase; its pipeline is replaced.
        ignored: Labels in class maps that are not classes. Defaults to 255.
    """
    for leaf in _unwrap(dataset):
        pipeline = getattr(leaf, 'pipeline', None)
        if isinstance(pipeline, Compose) and not isinstance(pipeline, ReportingPipeline):
            leaf.pipeline = ReportingPipeline(
                pipeline,
                len((getattr(leaf, 'metainfo', None) or {}).get('classes') or ()),
                {*ignored, getattr(leaf, 'ignore_index', 255)},
            )


def _unwrap(dataset: object) -> Iterator[Any]:
    wrapped = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if wrapped == [None]:
        yield dataset
    else:
        for inner in wrapped:
            yield from _unwrap(inner)


class ReportingPipeline(Compose):
    """A pipeline that reports the files of a sample on which it fails.

    Args:
        pipeline: Pipeline of a dataset.
        classes: Number of classes of the dataset; 0 if unknown.
        ignored: Labels that are not classes.
    """

    def __init__(self, pipeline: Compose, classes: int, ignored: Collection[int]):
        self.transforms = pipeline.transforms
        self.classes = classes
        self.ignored = ignored

    def __call__(self, data: dict) -> dict | None:
        # read before transforms change the dict
        files = ' with '.join(str(data[key]) for key in FILES if data.get(key))
        try:
            sample = super().__call__(data)
        except InputError:
            raise
        except Exception as error:
            reason = ' '.join(f'{type(error).__name__}: {error}'.split())
            raise InputError(
                f'{files or "a sample"} cannot be read or augmented ({reason}): fix it, or '
                'remove it from the dataset.'
            ) from error
        self._check_labels(sample, files)
        return sample

    def _check_labels(self, sample: object, files: str) -> None:
        samples: Any = sample.get('data_samples') if isinstance(sample, Mapping) else None
        if not self.classes or 'gt_sem_seg' not in (samples or ()):
            return
        labels = samples.gt_sem_seg.data
        unknown = set(labels[labels >= self.classes].unique().tolist()) - set(self.ignored)
        if unknown:
            raise InputError(
                f'{files}: the class map contains label {min(unknown)}, but there are '
                f'{self.classes} classes, numbered from 0, and the ignored labels '
                f'{sorted(self.ignored)}: fix it, or add the missing classes.'
            )
