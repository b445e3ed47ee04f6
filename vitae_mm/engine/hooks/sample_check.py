from collections.abc import Collection, Iterator, Mapping

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
    """Has datasets name the file of a sample that cannot be used.

    An image that does not decode, or a class map with labels that the dataset
    has no class for, stops the run with a message instead of an error of the
    decoder or, on GPUs, of the loss.
    """

    def before_train(self, runner: Runner) -> None:
        name_files(runner.train_dataloader.dataset, ignored_labels(runner.model))

    def before_val(self, runner: Runner) -> None:
        name_files(runner.val_dataloader.dataset, ignored_labels(runner.model))

    def before_test(self, runner: Runner) -> None:
        name_files(runner.test_dataloader.dataset, ignored_labels(runner.model))


def ignored_labels(model: nn.Module) -> set[int]:
    """Labels of class maps that the heads of a segmentor leave out; 255 is
    what mmseg pads with."""
    return {
        255,
        *(
            head.ignore_index
            for head in model.modules()
            if isinstance(getattr(head, 'ignore_index', None), int)
        ),
    }


def name_files(dataset: object, ignored: Collection[int] = (255,)) -> None:
    """Has a dataset, or those inside of a wrapper, raise :class:`InputError`
    for samples that their pipelines fail on.

    Args:
        dataset: As a codebase builds it.
        ignored: Labels of class maps that count for nothing. Defaults to 255.
    """
    for inner in innermost(dataset):
        pipeline = getattr(inner, 'pipeline', None)
        if isinstance(pipeline, Compose) and not isinstance(pipeline, NamingPipeline):
            inner.pipeline = NamingPipeline(
                pipeline,
                len((getattr(inner, 'metainfo', None) or {}).get('classes') or ()),
                {*ignored, getattr(inner, 'ignore_index', 255)},
            )


def innermost(dataset: object) -> Iterator[object]:
    wrapped = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    if wrapped == [None]:
        yield dataset
    else:
        for inner in wrapped:
            yield from innermost(inner)


class NamingPipeline(Compose):
    """A pipeline that names the files of a sample it fails on.

    Args:
        pipeline: Of a dataset.
        classes: How many classes it has; 0 for unknown.
        ignored: Labels that count for nothing.
    """

    def __init__(self, pipeline: Compose, classes: int, ignored: Collection[int]):
        self.transforms = pipeline.transforms
        self.classes = classes
        self.ignored = ignored

    def __call__(self, data: dict) -> dict | None:
        # transforms change it
        files = ' with '.join(str(data[key]) for key in FILES if data.get(key))
        try:
            sample = super().__call__(data)
        except InputError:
            raise
        except Exception as error:
            reason = ' '.join(f'{type(error).__name__}: {error}'.split())
            raise InputError(
                f'{files or "a sample"} cannot be read or augmented ({reason}): mend '
                'it, or take it out of the dataset.'
            ) from error
        self._check_labels(sample, files)
        return sample

    def _check_labels(self, sample: object, files: str) -> None:
        samples = sample.get('data_samples') if isinstance(sample, Mapping) else None
        if not self.classes or 'gt_sem_seg' not in (samples or ()):
            return
        labels = samples.gt_sem_seg.data
        unknown = set(labels[labels >= self.classes].unique().tolist()) - set(self.ignored)
        if unknown:
            raise InputError(
                f'{files}: the class map holds label {min(unknown)}, but there are '
                f'{self.classes} classes, numbered from 0, and '
                f'{sorted(self.ignored)} for none: mend it, or name the classes that '
                'are missing.'
            )
