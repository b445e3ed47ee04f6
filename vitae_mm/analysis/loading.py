"""Loading the models and images for the analysis tools."""

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, DefaultScope
from torch import Tensor

from vitae_mm.engine.cli import check_device, name_models
from vitae_mm.engine.config import leaf_datasets, load_config, loads_image_files, strip_test_dataset
from vitae_mm.engine.models import load_model
from vitae_mm.engine.rehearsal.rules import check_data
from vitae_mm.errors import InputError
from vitae_mm.export import describe
from vitae_mm.visualization.media import IMAGE_SUFFIXES, find_files, read_image


def load_models(args: argparse.Namespace) -> dict[str, BaseModel]:
    """Loads the models given by ``add_models_arguments``, by label, each with its config as
    ``cfg``; raises InputError if a model cannot be loaded."""
    check_device(args.device)
    models = {}
    for label, (config, checkpoint) in name_models(args).items():
        cfg = load_config(config, args.cfg_options)
        strip_test_dataset(cfg)
        models[label] = load_model(cfg, checkpoint, args.device, trust=args.trust)
    return models


def network_input(model: BaseModel, item: Mapping) -> Tensor:
    """Preprocesses an item of a dataset: (1, C, H, W), on the model's device."""
    return model.data_preprocessor(pseudo_collate([item]), False)['inputs']


def input_pixels(model: BaseModel, images: Tensor) -> np.ndarray:
    """Converts an input of the network (1, C, H, W) to pixels, (H, W, C) RGB uint8."""
    known = dict(mean=0.0, std=1.0) | describe(model.cfg, None)
    mean, std = (images.new_tensor(known[key]).view(-1, 1, 1) for key in ('mean', 'std'))
    pixels = (images.detach()[0] * std + mean).round().clamp(0, 255).byte()
    pixels = pixels.flip(0) if known.get('channels') == 'BGR' else pixels
    return pixels.permute(1, 2, 0).cpu().numpy()


def find_images(folder: Path) -> list[Path]:
    """Returns the images of a folder and its subfolders, sorted; raises InputError if there are
    none."""
    images = find_files(folder, IMAGE_SUFFIXES)
    if not images:
        raise InputError(
            f'folder {folder} contains no images ({" ".join(IMAGE_SUFFIXES)}): give another one.'
        )
    return images


def image_reader(model: BaseModel) -> Callable[[Path], Mapping]:
    """Returns a function that reads an image file with the test pipeline of the model's config.

    For a pose estimator, the box is the whole image. The function raises InputError if the file is
    damaged.
    """
    cfg = model.cfg
    steps = next(leaf_datasets(cfg.test_dataloader))['pipeline']
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        pipeline = Compose(steps)

    def read(path: Path) -> Mapping:
        image = read_image(path)
        size = image.shape[:2]
        sample = dict(img_path=str(path), img_id=0)
        if not loads_image_files(steps):  # datasets with decoded images give RGB
            sample.update(img=image[..., ::-1].copy(), img_shape=size, ori_shape=size)
        if cfg.default_scope == 'mmpose':
            box = np.array([[0, 0, *size[::-1]]], np.float32)
            sample.update(bbox=box, bbox_score=np.ones(1, np.float32), **model.dataset_meta)
        return pipeline(sample)

    return read


def dataset_readers(cfg: Config) -> list[partial[Mapping]]:
    """Returns a function for each image of the config's test set, which reads the image; raises
    InputError if there are no images."""
    check_data(cfg, ('test',))
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
    return [partial(dataset.__getitem__, index) for index in range(len(dataset))]


def choose(items: list, count: int, seed: int) -> list:
    """Returns ``count`` random items, or all if there are fewer. With the same seed, a smaller
    count gives the first items of a larger one."""
    # NumPy guarantees that the numbers of RandomState never change, unlike those of default_rng
    order = np.random.RandomState(seed).permutation(len(items))
    return [items[index] for index in order[:count]]
