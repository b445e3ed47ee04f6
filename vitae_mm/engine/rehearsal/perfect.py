"""Perfect predictions, which a config's evaluator must score perfectly."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric, Evaluator

from vitae_mm.engine.hooks.sample_check import unwrap_datasets
from vitae_mm.errors import InputError, describe_error

from .feeds import Scale, find_feed
from .report import Report
from .samples import sample_indices

TOLERANCE = 0.002
"""Share of the perfect score that rounding may take."""

MAX_DETECTIONS = 100
"""Number of detections of an image that COCO's main metrics count."""

NAMED = 5
"""Number of classes that a message names."""


@dataclass(frozen=True)
class Truth:
    """The ground truth of a dataset, and the labels that training teaches for it.

    Attributes:
        dataset: Validation or test set, with its pipeline.
        collate: Makes a batch of samples, as its data loader does.
        names: Name of each label of the dataset.
        taught: Name of each label of the training set.
        classes: Number of classes of the model; 0 if unknown.
    """

    dataset: Any
    collate: Callable[..., Any]
    names: Mapping[int, str]
    taught: Mapping[int, str]
    classes: int

    def relabel(self, label: int) -> int:
        """Returns the number that training gives to the class of a label."""
        return self._numbers.get(self.names.get(label, ''), label)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in self.taught.items()}

    def moved(self) -> list[str]:
        """Returns a text for each class with another number in training."""
        return [
            f'{name!r} is {label} here and {self.relabel(label)} in training'
            for label, name in self.names.items()
            if self.relabel(label) != label
        ]

    def sampled(self) -> list[int]:
        """Returns the indices of sampled images, with all of their instances."""
        count = len(self.dataset)
        chosen = sample_indices(count)
        if len(chosen) == count:
            return chosen
        images = [self.dataset.get_data_info(i).get('img_id', i) for i in range(count)]
        wanted = {images[index] for index in chosen}
        return [index for index, image in enumerate(images) if image in wanted]


@dataclass(frozen=True)
class Scored:
    """Scores of perfect predictions.

    Attributes:
        scores: Scores of all metrics; None if some metric cannot be fed.
        sizes: Input and original size of each sampled image, by index in the dataset.
    """

    scores: dict[str, float] | None = None
    sizes: dict[int, tuple] = field(default_factory=dict)


def score_perfect_predictions(
    name: str, evaluator: Evaluator, truth: Truth, report: Report
) -> Scored:
    """Feeds the ground truth of a dataset to its evaluator as predictions.

    Args:
        name: Entry of the evaluator in the config, for messages.
        evaluator: The evaluator of the run.
        truth: Its dataset.
        report: Changed in place.

    Returns:
        The scores.

    Raises:
        InputError: If a known metric does not score the predictions perfectly.
    """
    feed = find_feed(evaluator.metrics)
    known = {} if feed is None else feed.scales
    fed = [metric for metric in evaluator.metrics if _is_fed(metric, known)]
    for metric in evaluator.metrics:
        if metric not in fed:
            report.remarks.append(
                f'{name}: {type(metric).__name__} was not tried with perfect predictions.'
            )
    if feed is None or not fed:
        return Scored()
    if any(getattr(leaf, 'bbox_file', None) for leaf in unwrap_datasets(truth.dataset)):
        report.remarks.append(
            f'{name}: not tried with perfect predictions, as detected boxes (bbox_file) take the '
            'place of the annotations.'
        )
        return Scored()
    indices = truth.sampled()
    whole = len(indices) == len(truth.dataset)
    infos, sizes = [], {}
    evaluator.dataset_meta = truth.dataset.metainfo
    for index in indices:
        item, info = truth.dataset[index], truth.dataset.get_data_info(index)
        sample = item['data_samples']
        feed.predict(sample, info, truth.relabel, truth.classes)
        infos.append(info)
        sizes[index] = tuple(np.shape(item['inputs'])), sample.metainfo.get('ori_shape')
        for metric in fed:
            metric.process(truth.collate([item]), [sample.to_dict()])
    scores: dict[str, float] = {}
    judged = []
    for metric in fed:
        scale = known[type(metric)]
        trial = _Trial(metric, scale, truth=truth, infos=infos)
        if not whole:
            trial.restrict()
        found = trial.judge(name, report)
        scores |= found
        judged += [f'{key} {value:g}' for key, value in found.items() if re.search(scale.keys, key)]
    part = f'{len(indices):,}' if whole else f'{len(indices):,} of {len(truth.dataset):,}'
    report.rows.append(('perfect predictions', f'{name}, {part} samples: {", ".join(judged)}'))
    return Scored(scores if len(fed) == len(evaluator.metrics) else None, sizes)


def _is_fed(metric: BaseMetric, known: Mapping[type, Scale]) -> bool:
    return type(metric) in known and not getattr(metric, 'format_only', False)


class _Trial:
    """A metric that has been fed with the ground truth of some images.

    Args:
        metric: The metric.
        scale: How it scores perfect predictions.
        truth: The dataset.
        infos: Content of the dataset's entries that it has been fed with.
    """

    def __init__(self, metric: BaseMetric, scale: Scale, truth: Truth, infos: list[Mapping]):
        self.metric: Any = metric
        self.scale = scale
        self.truth = truth
        self.infos = infos
        self.images = {info['img_id']: info for info in infos if 'img_id' in info}
        self.coco: Any = getattr(metric, '_coco_api', None) or getattr(metric, 'coco', None)

    def restrict(self) -> None:
        """Makes a metric with an annotation file of its own ignore the other images."""
        if self.coco is None:
            return
        if hasattr(self.metric, 'img_ids'):
            self.metric.img_ids = [image for image in self.coco.imgs if image in self.images]
            return
        content = self.coco.dataset
        self.coco = self.metric.coco = type(self.coco)()
        self.coco.dataset = {
            **content,
            'images': [entry for entry in content['images'] if entry['id'] in self.images],
            'annotations': [
                entry for entry in content['annotations'] if entry['image_id'] in self.images
            ],
        }
        self.coco.createIndex()

    def judge(self, name: str, report: Report) -> dict[str, float]:
        """Returns the scores.

        Raises:
            InputError: If they are not perfect.
        """
        title = f'{name} ({type(self.metric).__name__})'
        classes = self._imperfect_classes()
        try:
            scores, detailed = self._evaluate()
        except Exception as error:
            raise InputError(
                f'{title} fails on perfect predictions ({describe_error(error)})'
                f'{self._cause(classes)}.'
            ) from error
        bad = [
            f'{key} {value:g}'
            for key, value in detailed.items()
            if not self._is_perfect(key, value)
        ]
        if bad or not detailed:
            dense = max(len(info.get('instances', ())) for info in self.infos)
            text = (
                f'{title} scores perfect predictions {", ".join(bad[:NAMED]) or "not at all"} '
                f'instead of {self.scale.best:g}'
            )
            if self.coco is None or dense <= MAX_DETECTIONS or self._causes():
                raise InputError(f'{text}{self._cause(classes)}.')
            report.remarks.append(
                f'{text}: it counts {MAX_DETECTIONS} detections of an image, and some have {dense} '
                'instances.'
            )
        return scores

    def _evaluate(self) -> tuple[dict[str, float], dict[str, float]]:
        """The scores of the metric, and the same with those of each class."""
        classwise = getattr(self.metric, 'classwise', None)
        if classwise is not None:
            self.metric.classwise = True
        if getattr(self.metric, 'nms_mode', None):
            # suppresses instances that overlap others, depending on their scores
            self.metric.nms_mode = 'none'
        detailed = self.metric.evaluate(len(self.metric.results))
        if classwise is False:
            return {k: v for k, v in detailed.items() if not k.endswith('_precision')}, detailed
        return detailed, detailed

    def _is_perfect(self, key: str, value: float) -> bool:
        if not re.search(self.scale.keys, key):
            return True
        if isnan(value):
            return key.endswith('_precision')  # a class without instances
        return abs(value - self.scale.best) <= TOLERANCE * max(self.scale.best, 1)

    def _imperfect_classes(self) -> list[str]:
        """Classes of a segmentor that are scored below 100 %."""
        areas = self.metric.results
        if not areas or not isinstance(areas[0], tuple) or len(areas[0]) != 4:
            return []
        intersection, union = (sum(area) for area in list(zip(*areas, strict=True))[:2])
        return [
            f'{name!r} {part / whole:.0%}'
            for (_, name), part, whole in zip(
                sorted(self.truth.names.items()), intersection, union, strict=False
            )
            if part < whole
        ]

    def _cause(self, classes: Sequence[str]) -> str:
        causes = self._causes()
        if classes:
            causes.insert(0, f'IoU of {", ".join(classes[:NAMED])}')
        text = '; '.join(causes) or 'the annotations and the evaluator do not fit each other'
        return (
            f': {text}; a perfect model would get this score too, so correct the data or the config'
        )

    def _causes(self) -> list[str]:
        causes = []
        if moved := self.truth.moved():
            causes.append(f'classes are numbered in another order ({", ".join(moved[:NAMED])})')
        if self.coco is not None:
            causes.append(self._annotation_cause())
        return list(filter(None, causes))

    def _annotation_cause(self) -> str:
        """A difference between the annotation file of the metric and the dataset; '' if none is
        found."""
        listed = self.coco.imgs
        for image, info in self.images.items():
            if image not in listed:
                return f'image {info["img_path"]} with id {image} is not in its ann_file'
            name = listed[image].get('file_name', '')
            if not str(info['img_path']).endswith(name):
                return (
                    f'image {image} of its ann_file is {name}, but {info["img_path"]} in the data'
                )
        others = len(listed) - len(self.images)
        if others and len(self.infos) == len(self.truth.dataset):
            return f'its ann_file lists {others} more images than the dataset has'
        entries = [entry for image in self.images for entry in self.coco.imgToAnns.get(image, ())]
        counted = [entry for entry in entries if not entry.get('iscrowd')]
        if not counted:
            return f'all {len(entries)} annotations of its ann_file are crowds (iscrowd=1)'
        given = sum(map(_count_instances, self.infos))
        if given < len(counted):
            return (
                f'it counts {len(counted)} annotations, of which the dataset gives {given} '
                '(skipping other classes, boxes outside the image or without area, and instances '
                'without keypoints)'
            )
        if 0 in self.coco.anns:
            return 'annotation ids must start at 1'
        return ''


def _count_instances(info: Mapping) -> int:
    """Instances in an entry of a dataset that are not ignored."""
    if 'instances' in info:
        return sum(not instance.get('ignore_flag') for instance in info['instances'])
    return len(np.atleast_1d(info.get('id', ())))
