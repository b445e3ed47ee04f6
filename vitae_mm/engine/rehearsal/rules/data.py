"""Checking the datasets of a config."""

from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config

from vitae_mm.datasets.stratified_subset import check_options
from vitae_mm.engine.config import iter_dicts, type_name, walk_datasets
from vitae_mm.evaluation.reassessed_labels import NUM_IMAGES, read_labels

from . import images, instances, keypoints, masks
from .classes import check_categories, check_same_classes, class_names, has_class_folders
from .coco import read_annotations
from .folders import check_folder, find_file, folders
from .heads import check_heads
from .source import Source, sources


def check_data(cfg: Config, splits: tuple[str, ...]) -> list[str]:
    """Checks the datasets of a config, and whether the heads fit them.

    Args:
        cfg: Config of any codebase.
        splits: Which of 'train', 'val' and 'test' are used.

    Returns:
        Lines that describe the annotations.

    Raises:
        InputError: For a missing or empty folder, an annotation file that is missing or not JSON,
            missing images or classes in it, heads with a different number of classes or keypoints,
            class folders that differ between splits, an invalid fraction, or invalid reassessed
            labels; also see ``check_instances``, ``check_keypoints``, ``check_masks`` and
            ``check_listing``.
    """
    notes: list[str] = []
    class_folders: dict[type, tuple] = {}
    for split in splits:
        for wrapper in walk_datasets(cfg.get(f'{split}_dataloader')):
            if type_name(wrapper) == 'StratifiedSubset':
                check_options(wrapper.get('fraction'), wrapper.get('seed', 0))
        notes += [_check_source(source, cfg, class_folders) for source in sources(cfg, split)]
        for evaluator in iter_dicts(cfg.get(f'{split}_evaluator')):
            file = find_file(Path(), evaluator.get('ann_file'), f'{split}_evaluator')
            if file and type_name(evaluator) == 'ReassessedLabels':
                read_labels(file, evaluator.get('num_images', NUM_IMAGES))
    return list(filter(None, notes))


def _check_source(source: Source, cfg: Config, class_folders: dict) -> str:
    annotations: Mapping = {}
    if not source.downloads:
        for folder in folders(source):
            check_folder(folder, source.name)
        annotations = read_annotations(source)
    classes = class_names(source, annotations)
    if classes:
        check_categories(annotations, classes, source.name)
        check_heads(cfg, classes, source.name)
    if has_class_folders(source):
        check_same_classes(
            classes, source.name, *class_folders.setdefault(source.kind, (classes, source.name))
        )
    if '://' in str(source.options.get('ann_file')):
        return ''
    if source.has_method(*instances.METHODS):
        return instances.check_instances(
            annotations, classes, source, evaluated=_evaluated_keys(cfg, source.split)
        )
    if source.has_method(*keypoints.METHODS):
        return keypoints.check_keypoints(
            annotations, source, cfg, evaluated=_evaluated_keys(cfg, source.split)
        )
    if source.has_method(*masks.METHODS):
        return masks.check_masks(classes, source, cfg)
    if source.has_method(*images.METHODS):
        return images.check_listing(classes, source, cfg)
    return ''


def _evaluated_keys(cfg: Config, split: str) -> tuple[str, ...]:
    """Further keys of each annotation that COCO metrics read."""
    metrics = [
        evaluator
        for evaluator in iter_dicts(cfg.get(f'{split}_evaluator'))
        if type_name(evaluator) == 'CocoMetric' and evaluator.get('ann_file')
    ]
    if not metrics:
        return ()
    area = any(metric.get('use_area', True) for metric in metrics)
    return ('area', 'iscrowd') if area else ('iscrowd',)
