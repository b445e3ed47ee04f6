"""Reporting the file of a sample that cannot be used, or the transform that fails on it."""

import json
import sysconfig
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any, cast

from mmcv.transforms import BaseTransform, LoadAnnotations, LoadImageFromFile
from mmcv.transforms import Compose as NestedCompose
from mmengine.dataset import Compose
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner
from PIL import ExifTags, Image
from torch import nn

from vitae_mm.errors import InputError, describe_error
from vitae_mm.registry import HOOKS

PADDING = 255
"""The label that mmseg and mmdet fill class maps with, and that their heads ignore by default."""

SIDEWAYS = (5, 6, 7, 8)
"""Values of the orientation in EXIF that exchange width and height."""

CODEBASES = ('mmcv', 'mmdet', 'mmengine', 'mmpose', 'mmpretrain', 'mmseg', 'vitae_mm')
"""Packages that may run from a checkout, outside the folder of installed packages."""


@HOOKS.register_module()
class SampleCheckHook(Hook):
    """Makes datasets report the file of a failing sample.

    An image that cannot be decoded or does not have the size that it was annotated at, a class map
    of another size than its image or with labels beyond the classes of the dataset, stops the run
    with a message that names the file, instead of an error from the decoder or, on GPUs, from the
    loss. A transform that fails is named, with file and line if it is a user's own.
    """

    def before_train(self, runner: Runner) -> None:
        dataset, ignored = runner.train_dataloader.dataset, ignored_labels(runner.model)
        report_files(dataset, ignored)
        report_padding(runner.model, _class_count(dataset), ignored)

    def before_val(self, runner: Runner) -> None:
        ignored = ignored_labels(runner.model, runner.val_evaluator)
        report_files(runner.val_dataloader.dataset, ignored)

    def before_test(self, runner: Runner) -> None:
        ignored = ignored_labels(runner.model, runner.test_evaluator)
        report_files(runner.test_dataloader.dataset, ignored)


def ignored_labels(model: nn.Module, evaluator: Evaluator | None = None) -> set[int]:
    """Returns the labels in class maps that all segmentation heads ignore, and those that a metric
    ignores; 255 if there are neither.

    Args:
        model: A model of any codebase.
        evaluator: Evaluator of the samples, if they are not trained on.
    """
    modules: list[Any] = [m for m in model.modules() if hasattr(m, 'ignore_index')]
    # losses have no classes; mmseg's heads pass their ignore_index to them
    heads = [module for module in modules if hasattr(module, 'num_classes')]
    labels = {module.ignore_index for module in heads or modules}
    if heads and len(labels) > 1:
        labels = set()
    labels |= {
        getattr(metric, 'ignore_index', None) for metric in getattr(evaluator, 'metrics', ())
    }
    found = {label for label in labels if isinstance(label, int)}
    return found if heads or found else {PADDING}


def report_files(dataset: object, ignored: Collection[int] = (PADDING,)) -> None:
    """Makes a dataset, or all datasets in a wrapper, raise :class:`InputError` with the files of a
    sample on which the pipeline fails.

    Args:
        dataset: A dataset of any codebase; its pipeline is replaced.
        ignored: Labels in class maps that are not classes. Defaults to 255.
    """
    for node in _walk(dataset):
        pipeline = getattr(node, 'pipeline', None)
        options: dict[str, Any] = dict(
            classes=_class_count(node), ignored=ignored, sizes=_annotated_sizes(node)
        )
        if isinstance(pipeline, Compose) and not isinstance(pipeline, ReportingPipeline):
            node.pipeline = ReportingPipeline(pipeline.transforms, **options)
        elif isinstance(pipeline, list):
            # mmdet's MultiImageMixDataset applies the items of a list itself
            node.pipeline = [_report_item(item, options) for item in pipeline]


def report_padding(model: nn.Module, classes: int, ignored: Collection[int]) -> None:
    """Makes a segmentor raise :class:`InputError` when it fills the class maps of a batch with a
    label that is neither a class nor ignored.

    Args:
        model: A model of any codebase.
        classes: Number of classes.
        ignored: Labels in class maps that are not classes.
    """
    for module in model.modules():
        label = getattr(module, 'seg_pad_val', None)
        if label is not None and label >= classes > 0 and label not in ignored:
            module.register_forward_hook(_refuse_padding)


def _refuse_padding(preprocessor: Any, inputs: object, batch: Mapping) -> None:
    if any(any(sample.get('padding_size', ())) for sample in batch['data_samples'] or ()):
        raise InputError(
            f'data_preprocessor fills class maps with label {preprocessor.seg_pad_val}, which the '
            'heads do not ignore: set its seg_pad_val to their ignore_index.'
        )


def _class_count(dataset: object) -> int:
    """The number of classes of a dataset; 0 if unknown."""
    return len((getattr(dataset, 'metainfo', None) or {}).get('classes') or ())


def _report_item(item: Any, options: Mapping[str, Any]) -> Any:
    if isinstance(item, ReportingPipeline):
        return item
    return _ReportingItem([item], **options)


def _annotated_sizes(dataset: Any) -> Mapping[int | str, tuple[int, int]]:
    """The sizes in the annotation file of a dataset whose samples do not contain them, as mmpose's;
    {} otherwise."""
    path = Path(str(getattr(dataset, 'ann_file', '')))
    if path.suffix != '.json' or not path.is_file() or not len(dataset):
        return {}
    info = dataset.get_data_info(0)
    if 'img_id' not in info or 'height' in info:
        return {}
    return _read_sizes(path, path.stat().st_mtime_ns)


@lru_cache
def _read_sizes(path: Path, modified: int) -> Mapping[int | str, tuple[int, int]]:
    """The sizes of the images in an annotation file in COCO format, by image; ``modified`` is when
    the file changed."""
    content = json.loads(path.read_bytes())
    images = content.get('images', ()) if isinstance(content, dict) else ()
    return {
        image['id']: (int(image['height']), int(image['width']))
        for image in images
        if image.get('height') and image.get('width')
    }


def unwrap_datasets(dataset: object) -> Iterator[Any]:
    """Yields the datasets in a wrapper of any codebase, or the dataset itself."""
    for node in _walk(dataset):
        if not _wrapped(node):
            yield node


def _walk(dataset: object) -> Iterator[Any]:
    """Yields a dataset and, if it is a wrapper, all within it."""
    yield dataset
    for inner in _wrapped(dataset):
        yield from _walk(inner)


def _wrapped(dataset: object) -> Sequence[Any]:
    inner = getattr(dataset, 'dataset', None)
    return getattr(dataset, 'datasets', None) or ([] if inner is None else [inner])


@dataclass(frozen=True)
class Origin:
    """Where a sample comes from.

    Attributes:
        image: Path of its image; '' if unknown.
        class_map: Path of its class map; '' if it has none.
        size: Height and width that its annotations are made for, if they tell.
        instances: Whether objects are annotated; the class map, if any, has its own classes then.
    """

    image: str
    class_map: str
    size: tuple[int, int] | None
    instances: bool

    @property
    def files(self) -> str:
        return ' with '.join(filter(None, (self.image, self.class_map))) or 'a sample'


class ReportingPipeline(Compose):
    """A pipeline that reports the files of a sample on which it fails.

    Args:
        transforms: Transforms of a dataset's pipeline.
        classes: Number of classes of the dataset; 0 if unknown.
        ignored: Labels that are not classes.
        sizes: Height and width of the annotated images by their id, if samples do not tell them.
    """

    def __init__(
        self,
        transforms: Sequence[Callable],
        *,
        classes: int,
        ignored: Collection[int],
        sizes: Mapping[int | str, tuple[int, int]],
    ):
        self.transforms = list(transforms)
        self.classes = classes
        self.ignored = ignored
        self.sizes = sizes

    def __call__(self, data: dict) -> dict | None:
        # read before transforms change the dict
        origin = self._origin(data)
        checks = {
            key: check
            for key, check in (('ori_shape', _check_size), ('gt_seg_map', _check_class_map))
            if key not in data
        }
        class_map = None
        sample: Any = data
        for transform in self.transforms:
            try:
                result = transform(sample)
            except InputError:
                raise
            except Exception as error:
                # what is loaded by a nested pipeline may be the cause
                _run_checks(checks, origin, sample)
                raise InputError(_failure(error, transform, origin)) from error
            sample = result
            if sample is None:
                return None
            _run_checks(checks, origin, sample)
            if class_map is None and isinstance(sample, Mapping):
                class_map = sample.get('gt_seg_map')
        if self.classes and not origin.instances:
            self._check_labels(sample, origin, class_map)
        return cast(dict, sample)

    def _origin(self, data: Mapping) -> Origin:
        size = None
        if data.get('height') and data.get('width'):
            size = int(data['height']), int(data['width'])
        elif isinstance(data.get('img_id'), (int, str)):
            size = self.sizes.get(data['img_id'])
        return Origin(
            str(data.get('img_path') or ''),
            str(data.get('seg_map_path') or ''),
            size,
            'instances' in data,
        )

    def _check_labels(self, sample: object, origin: Origin, class_map: Any) -> None:
        packed: Any = sample.get('data_samples') if isinstance(sample, Mapping) else None
        # a list in test-time augmentation
        for samples in packed if isinstance(packed, list) else [packed]:
            if 'gt_sem_seg' not in (samples or ()):
                continue
            labels = samples.gt_sem_seg.data
            unknown = set(labels[labels >= self.classes].unique().tolist()) - set(self.ignored)
            if not unknown:
                continue
            label = min(unknown)
            classes = (
                f'there are {self.classes} classes, numbered from 0, and the ignored labels '
                f'{sorted(self.ignored)}'
            )
            if class_map is not None and not (class_map == label).any():
                raise InputError(
                    f'{origin.files}: the pipeline fills the class map with label {label}, but '
                    f'{classes}: set the seg_pad_val of the transforms, or the ignore_index of the '
                    'heads.'
                )
            remedy = 'set the ignore_index of the heads to it, ' if label == PADDING else ''
            raise InputError(
                f'{origin.files}: the class map contains label {label}, but {classes}: {remedy}'
                f'fix {"the file" if remedy else "it"}, or add the missing classes.'
            )


class _ReportingItem(ReportingPipeline):
    """An item of a MultiImageMixDataset, which asks its transform for further images to mix."""

    def __getattr__(self, name: str) -> Any:
        # the names in mmdet and in mmseg; bound methods as attributes could not be pickled
        if name in ('get_indexes', 'get_indices'):
            return getattr(self.transforms[0], name)
        raise AttributeError(name)


def _run_checks(checks: dict[str, Callable], origin: Origin, sample: object) -> None:
    """Runs the checks of entries that a sample has by now, each once."""
    if isinstance(sample, Mapping):
        for key in checks.keys() & sample.keys():
            checks.pop(key)(origin, sample)


def _check_size(origin: Origin, sample: Mapping) -> None:
    """Raises InputError if an image does not have the size that its annotations are made for."""
    shape = sample['ori_shape']
    if origin.size is None or not _is_shape(shape) or tuple(shape) == origin.size:
        return
    text = f'{origin.image} has {_pixels(shape)} pixels, but its annotations are for '
    text += _pixels(origin.size)
    if tuple(shape) == origin.size[::-1] and _is_turned(origin.image):
        raise InputError(
            f'{text}, as it is turned by its EXIF orientation: set '
            "color_type='color_ignore_orientation' in the transform that loads images, annotate "
            'the turned image, or save it upright (PIL.ImageOps.exif_transpose) and annotate that.'
        )
    raise InputError(f'{text}: annotate this image, or replace it with the one that was annotated.')


def _check_class_map(origin: Origin, sample: Mapping) -> None:
    """Raises InputError if a class map does not have the size of its image."""
    # mmseg removes sides of one pixel
    found, original = sample['gt_seg_map'].shape, sample.get('ori_shape', ())
    if len(found) != 2 or not _is_shape(original):
        return
    # a nested pipeline may have resized both already
    resized = getattr(sample.get('img'), 'shape', original)[:2]
    if found in (tuple(original), tuple(resized)):
        return
    text = (
        f'the class map {origin.class_map} has {_pixels(found)} pixels, but its image '
        f'{origin.image} has {_pixels(original)}'
    )
    if found == tuple(original)[::-1]:
        if _is_turned(origin.image):
            raise InputError(
                f'{text}, as the image is turned by its EXIF orientation: set '
                "color_type='color_ignore_orientation' in the transform that loads images, or "
                'save both upright.'
            )
        raise InputError(f'{text}: it looks transposed; exchange its rows and columns.')
    raise InputError(f'{text}: save it with the size of the image, without interpolation.')


def _is_shape(value: Sequence) -> bool:
    """Whether a value is height and width; samples of videos have a list of them."""
    return len(value) == 2 and isinstance(value[0], int)


def _pixels(shape: Sequence[int]) -> str:
    return f'{shape[1]} x {shape[0]} (width x height)'


def _is_turned(path: str) -> bool:
    """Whether an image file has an orientation in EXIF that exchanges its sides."""
    try:
        with Image.open(path) as image:
            return image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
    except Exception:
        # not on this disk, or its EXIF is damaged: it only adds to a message
        return False


def _failure(error: Exception, step: Callable, origin: Origin) -> str:
    """The message for a failing transform."""
    frames = list(traceback.walk_tb(error.__traceback__))
    failed = _failed_transform([frame for frame, _ in frames], step)
    name = type(failed).__name__ if not hasattr(failed, '__name__') else failed.__name__
    reason = describe_error(error)
    own = [(frame.f_code.co_filename, line) for frame, line in frames if _is_users(frame)]
    if own:
        file, line = own[-1]
        return (
            f'the transform {name} fails on {origin.files} in line {line} of {file} ({reason}): '
            'correct the transform.'
        )
    remedy = 'fix it, or remove it from the dataset.'
    if isinstance(failed, LoadImageFromFile):
        return f'{origin.image or "an image"} cannot be read ({reason}): {remedy}'
    if isinstance(failed, LoadAnnotations):
        return f'the annotations of {origin.files} cannot be read ({reason}): {remedy}'
    return (
        f'the transform {name} fails on {origin.files} ({reason}): correct the options of the '
        f'transform, or the file: {remedy}'
    )


def _failed_transform(frames: Sequence[FrameType], step: Callable) -> Any:
    """The innermost transform at work, in nested pipelines."""
    for frame in reversed(frames):
        transform = frame.f_locals.get('self')
        if isinstance(transform, BaseTransform) and not isinstance(transform, NestedCompose):
            return transform
    return step


def _is_users(frame: FrameType) -> bool:
    """Whether code is neither installed nor part of a codebase."""
    path = Path(frame.f_code.co_filename)
    package = str(frame.f_globals.get('__name__', '')).partition('.')[0]
    if package in CODEBASES or not path.is_file():
        return False
    folders = (sysconfig.get_path(kind) for kind in ('stdlib', 'platstdlib', 'purelib', 'platlib'))
    installed = {'site-packages', 'dist-packages'} & set(path.parts)
    return not installed and not any(path.is_relative_to(folder) for folder in folders)
