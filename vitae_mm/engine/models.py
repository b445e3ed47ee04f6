"""Building the models of configs, with or without weights."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DATASETS, MODELS
from torch import nn

from vitae_mm.checkpoints import check_match, read_checkpoint, unwrap_state_dict
from vitae_mm.engine.config import innermost, without_annotations
from vitae_mm.errors import InputError


def build_model(cfg: Config) -> nn.Module:
    """The model of a config of any of the codebases, in eval mode, with
    whatever weights its constructor leaves."""
    options = cfg.model.copy()
    if 'data_preprocessor' in cfg:
        # mmpretrain's configs have it beside the model
        options.setdefault('data_preprocessor', cfg.data_preprocessor.copy())
    with MODELS.switch_scope_and_registry(cfg.get('default_scope')) as registry:
        return registry.build(options).eval()


def outline_model(cfg: Config) -> nn.Module:
    """The model of a config, with the names and shapes of its weights; where
    its network allows it, without memory for them.

    Args:
        cfg: Of any of the codebases.

    Raises:
        InputError: For what our networks refuse.
    """
    try:
        with torch.device('meta'):
            return build_model(copy.deepcopy(cfg))
    except (RuntimeError, TypeError):
        # some networks, Swin among them, read numbers off tensors while they are built
        return build_model(copy.deepcopy(cfg))


def without_values(model: nn.Module) -> nn.Module:
    """A copy with the names and shapes of all entries, which takes no memory."""
    empty = {id(p): nn.Parameter(p.to('meta'), p.requires_grad) for p in model.parameters()}
    empty.update((id(b), b.to('meta')) for b in model.buffers())
    return copy.deepcopy(model, empty)


def prepare_config(cfg: Config) -> None:
    """Makes of a config that tests a data set one that reads bare images.

    The test data set loses its wrappers, and its pipeline the loading of
    annotations.

    Raises:
        InputError: If the config has no test data set.
    """
    if not cfg.get('test_dataloader'):
        raise InputError(
            'the config has no test_dataloader, whose pipeline would prepare the images: add one.'
        )
    dataset = next(innermost(cfg.test_dataloader))
    dataset.pipeline = without_annotations(dataset.pipeline)
    cfg.test_dataloader.dataset = dataset


def load_model(cfg: Config, checkpoint: str, device: str, trust: bool = False) -> nn.Module:
    """Builds the model and loads its weights, all of them.

    The codebases' inferencers would go on with random weights where a
    checkpoint does not fit, and with the classes of another data set where it
    names none.

    Args:
        cfg: After :func:`prepare_config`, where there are labels.
        checkpoint: Local file or http(s) address.
        device: As torch names it.
        trust: Unpickle anything in the file. Defaults to False.

    Returns:
        In eval mode, with the config as ``cfg`` and the names of the classes
        or keypoints in ``dataset_meta``.

    Raises:
        InputError: If the file cannot be read or does not fit.
    """
    content = read_checkpoint(checkpoint, trust=trust)
    state = unwrap_state_dict(content, ema=False).state_dict
    model = build_model(cfg)
    check_match(model, state, f'checkpoint {checkpoint}')
    model.load_state_dict(state, strict=False)  # parts that were left out may be there
    model.cfg = cfg
    model.dataset_meta = _dataset_meta(cfg, content)
    return revert_sync_batchnorm(model).to(device)


def _dataset_meta(cfg: Config, content: Mapping) -> dict[str, Any]:
    """What training kept of its data set, else what the config says of it."""
    if kept := (content.get('meta') or {}).get('dataset_meta'):
        return {key.lower(): value for key, value in kept.items()}  # older ones have capitals
    if not cfg.get('test_dataloader'):
        return {}  # without labels there are no names
    dataset = dict(cfg.test_dataloader.dataset, pipeline=[], lazy_init=True)
    with DATASETS.switch_scope_and_registry(cfg.default_scope) as registry:
        return registry.build(dataset).metainfo
