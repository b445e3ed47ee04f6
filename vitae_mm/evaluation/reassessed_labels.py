"""Accuracy by the reassessed ("ReaL") labels of the ImageNet validation set."""

import json
import re
from collections.abc import Sequence
from os import PathLike

from mmengine import fileio
from mmengine.evaluator import BaseMetric

from vitae_mm.errors import InputError
from vitae_mm.registry import METRICS

IMAGE_NUMBER = re.compile(r'ILSVRC2012_val_(\d{8})(?!\d)')
NUM_CLASSES = 1000
NUM_IMAGES = 50000
SOURCE = 'download real.json from https://github.com/google-research/reassessed-imagenet'


@METRICS.register_module()
class ReassessedLabels(BaseMetric):
    """Top-1 accuracy by the labels of Beyer et al. 2020, "Are we done with
    ImageNet?" (https://arxiv.org/abs/2006.07159), in percent: ``real/top1``.

    An image has any number of labels; a prediction is right if it is one of
    them. Images without labels are left out. If none has any, the result is
    nan. Which image it is comes from the number in its file name,
    ``ILSVRC2012_val_00000001.JPEG`` being the first, not from the order of the
    dataset. To be used beside the codebase's own metric::

        val_evaluator = [
            dict(type='Accuracy', topk=(1, 5)),
            dict(type='vitae_mm.ReassessedLabels', ann_file='data/imagenet/real.json')]

    Args:
        ann_file: The published ``real.json``: for each image, in the order of
            their numbers, a list of its classes, 0 to 999.
        num_images: How many images the file must have. Default: 50000.
        collect_device: 'cpu' or 'gpu', over which processes exchange results.
            Default: 'cpu'.
        prefix: Stands before the metric's name. Default: None, which is
            'real'.

    Raises:
        InputError: If the file is missing or not of this form; while it is
            used, if an image has no such number in its name.
    """

    default_prefix = 'real'

    def __init__(
        self,
        ann_file: str,
        num_images: int = NUM_IMAGES,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.labels = read_labels(ann_file, num_images)

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Judges a batch: True, False, or None for an image without labels.

        Args:
            data_batch: Not looked at.
            data_samples: Each with ``img_path``, and ``pred_score`` (C, ) or
                ``pred_label`` (1, ).
        """
        for sample in data_samples:
            labels = self.labels[self._index(sample.get('img_path'))]
            score = sample.get('pred_score')
            predicted = sample['pred_label'] if score is None else score.argmax()
            # one entry a sample, also without labels: mmengine counts them to drop padding
            self.results.append(predicted.item() in labels if labels else None)

    def compute_metrics(self, results: list[bool | None]) -> dict[str, float]:
        judged = [right for right in results if right is not None]
        return dict(top1=100 * sum(judged) / len(judged) if judged else float('nan'))

    def _index(self, img_path: str | None) -> int:
        """Place of an image in the file."""
        if img_path is None:
            raise InputError(
                'ReassessedLabels: the data samples have no img_path: add it to the '
                'meta_keys of PackInputs.'
            )
        found = IMAGE_NUMBER.search(re.split(r'[/\\]', img_path)[-1])
        if not found or not 1 <= int(found[1]) <= len(self.labels):
            raise InputError(
                f'ReassessedLabels: the image {img_path} has no number from 1 to '
                f'{len(self.labels)} in its name, as ILSVRC2012_val_00000001.JPEG has: evaluate '
                'on the ImageNet validation set with its original names, or leave this metric out.'
            )
        return int(found[1]) - 1


def read_labels(ann_file: str | PathLike, num_images: int = NUM_IMAGES) -> list[list[int]]:
    """The classes of each image.

    Args:
        ann_file: See :class:`ReassessedLabels`.
        num_images: How many images it must have.

    Raises:
        InputError: If the file is missing, not JSON, not a list of lists of
            integers from 0 to 999, or of another length.
    """
    name = f'ReassessedLabels: ann_file {ann_file}'
    try:
        labels = json.loads(fileio.get_text(ann_file))
    except OSError as error:
        raise InputError(f'{name} cannot be read ({error.strerror or error}): {SOURCE}.') from error
    except ValueError as error:
        raise InputError(f'{name} is not JSON ({error}): {SOURCE}.') from error
    if not isinstance(labels, list):
        raise InputError(f'{name} is not a list with an entry for each image: {SOURCE}.')
    for index, classes in enumerate(labels):
        # type() and not isinstance(): True is not a class
        if not isinstance(classes, list) or not all(
            type(label) is int and 0 <= label < NUM_CLASSES for label in classes
        ):
            raise InputError(
                f'{name}: entry {index} is {str(classes)[:60]}, not a list of classes '
                f'from 0 to {NUM_CLASSES - 1}: {SOURCE}.'
            )
    if len(labels) != num_images:
        raise InputError(
            f'{name} has {len(labels)} entries, but there are {num_images} images: '
            f'{SOURCE}, or set num_images to {len(labels)}.'
        )
    return labels
