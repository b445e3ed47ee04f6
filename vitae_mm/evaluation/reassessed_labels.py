"""Accuracy on the reassessed labels ("ReaL") of the ImageNet validation set."""

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
REMEDY = 'download real.json from https://github.com/google-research/reassessed-imagenet'


@METRICS.register_module()
class ReassessedLabels(BaseMetric):
    """Top-1 accuracy in percent, ``real/top1``, on the labels of Beyer et al., "Are we done with
    ImageNet?", 2020 (https://arxiv.org/abs/2006.07159).

    An image has any number of labels; a prediction is correct if it is one of them. Images without
    labels are ignored; if no image has labels, the result is nan. Images are identified by the
    number in their file names, from ``ILSVRC2012_val_00000001.JPEG``, not by their order in the
    dataset. Use this metric in addition to the codebase's own::

        val_evaluator = [
            dict(type='Accuracy', topk=(1, 5)),
            dict(type='vitae_mm.ReassessedLabels', ann_file='data/imagenet/real.json')]

    Args:
        ann_file: The published ``real.json``: a list of classes, 0 to 999, for each image, in the
            order of their numbers.
        num_images: Number of images in the file. Default: 50000.
        collect_device: Device for gathering results, 'cpu' or 'gpu'. Default: 'cpu'.
        prefix: Prefix of the metric's name. Default: None, which stands for 'real'.

    Raises:
        InputError: If the file is missing or invalid; during evaluation, if an image name has no
            such number.
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
        """Compares each prediction with the labels of its image.

        Args:
            data_batch: Unused.
            data_samples: Each with ``img_path``, and ``pred_score`` (C,) or ``pred_label`` (1,).
        """
        for sample in data_samples:
            labels = self.labels[self._index(sample.get('img_path'))]
            score = sample.get('pred_score')
            predicted = sample['pred_label'] if score is None else score.argmax()
            # one entry per sample, even without labels: mmengine counts entries to drop padding
            self.results.append(predicted.item() in labels if labels else None)

    def compute_metrics(self, results: list[bool | None]) -> dict[str, float]:
        judged = [correct for correct in results if correct is not None]
        return dict(top1=100 * sum(judged) / len(judged) if judged else float('nan'))

    def _index(self, img_path: str | None) -> int:
        """Index of an image in the file."""
        if img_path is None:
            raise InputError(
                'ReassessedLabels: the data samples have no img_path: add it to the meta_keys of '
                'PackInputs.'
            )
        found = IMAGE_NUMBER.search(re.split(r'[/\\]', img_path)[-1])
        if not found or not 1 <= int(found[1]) <= len(self.labels):
            raise InputError(
                f'ReassessedLabels: the image {img_path} has no number from 1 to '
                f'{len(self.labels)} in its name, such as ILSVRC2012_val_00000001.JPEG: evaluate '
                'on the ImageNet validation set with its original names, or remove this metric.'
            )
        return int(found[1]) - 1


def read_labels(ann_file: str | PathLike, num_images: int = NUM_IMAGES) -> list[list[int]]:
    """Reads the list of classes of each image.

    Args:
        ann_file: See :class:`ReassessedLabels`.
        num_images: Number of images in the file.

    Raises:
        InputError: If the file is missing, not JSON, not a list of lists of integers from 0 to
            999, or of another length.
    """
    name = f'ReassessedLabels: ann_file {ann_file}'
    try:
        labels = json.loads(fileio.get_text(ann_file))
    except OSError as error:
        raise InputError(f'{name} cannot be read ({error.strerror or error}): {REMEDY}.') from error
    except ValueError as error:
        raise InputError(f'{name} is not JSON ({error}): {REMEDY}.') from error
    if not isinstance(labels, list):
        raise InputError(f'{name} is not a list with an entry for each image: {REMEDY}.')
    for index, classes in enumerate(labels):
        # type(), not isinstance(): True is not a class
        if not isinstance(classes, list) or not all(
            type(label) is int and 0 <= label < NUM_CLASSES for label in classes
        ):
            raise InputError(
                f'{name}: entry {index} is {str(classes)[:60]}, not a list of classes from 0 to '
                f'{NUM_CLASSES - 1}: {REMEDY}.'
            )
    if len(labels) != num_images:
        raise InputError(
            f'{name} has {len(labels)} entries, but there are {num_images} images: {REMEDY}, or '
            f'set num_images to {len(labels)}.'
        )
    return labels
