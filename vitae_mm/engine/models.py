"""Building models from configs, with or without weights."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import BaseModel, revert_sync_batchnorm
from mmengine.registry import DATASETS, MODELS
from torch import nn

from vitae_mm.checkpoints import check_match, read_checkpoint, unwrap_state_dict


def build_model(cfg: Config) -> BaseModel:
    """Builds the model of a config of any codebase in eval mode, without loading weights."""
    options = cfg.model.copy()
    if 'data_preprocessor' in cfg:
        # mmpretrain's configs define it at the top level
        options.setdefault('data_preprocessor', cfg.data_preprocessor.copy())
    with MODELS.switch_scope_and_registry(cfg.get('default_scope')) as registry:
        return registry.build(options).eval()


def build_meta_model(cfg: Config) -> BaseModel:
    """Builds the model of a config on the meta device, without memory for its weights.

    Networks that read tensor values during construction, such as Swin, get real weights.
    """
    try:
        with torch.device('meta'):
            return build_model(copy.deepcopy(cfg))
    except (RuntimeError, TypeError):
        return build_model(copy.deepcopy(cfg))


def meta_copy(model: nn.Module) -> nn.Module:
    """Returns a copy on the meta device: all entries keep names and shapes, but have no values."""
    tensors: dict[int, object] = {
        id(p): nn.Parameter(p.to('meta'), p.requires_grad) for p in model.parameters()
    }
    tensors.update((id(b), b.to('meta')) for b in model.buffers())
    return copy.deepcopy(model, tensors)


def load_model(cfg: Config, checkpoint: str, device: str, trust: bool = False) -> BaseModel:
    """Builds the model of a config and loads all of its weights.

    The codebases' own functions keep random weights if a checkpoint does not fit, and guess class
    names if it has none.

    Args:
        cfg: Config of any codebase; for plain images, pass it to :func:`strip_test_dataset` first.
        checkpoint: Local file or http(s) URL.
        device: Torch device.
        trust: Unpickle any object in the file. Defaults to False.

    Returns:
        The model in eval mode, with the config as ``cfg`` and the names of its classes or
        keypoints in ``dataset_meta``.

    Raises:
        InputError: If the checkpoint cannot be read, does not fit or has values that are not
            finite.
    """
    content = read_checkpoint(checkpoint, trust=trust)
    state = unwrap_state_dict(content, ema=False).state_dict
    model = build_model(cfg)
    check_match(model, state, f'checkpoint {checkpoint}')
    model.load_state_dict(state, strict=False)  # the file may have more
    model.cfg = cfg
    model.dataset_meta = _dataset_meta(cfg, content)
    return revert_sync_batchnorm(model).to(device)


def _dataset_meta(cfg: Config, content: Mapping) -> dict[str, Any]:
    """Metadata of the training dataset from the checkpoint, else of the config's test dataset."""
    if kept := (content.get('meta') or {}).get('dataset_meta'):
        return {key.lower(): value for key, value in kept.items()}  # capitals in old checkpoints
    if not cfg.get('test_dataloader'):
        return {}
    dataset = dict(cfg.test_dataloader.dataset, pipeline=[], lazy_init=True)
    with DATASETS.switch_scope_and_registry(cfg.default_scope) as registry:
        return registry.build(dataset).metainfo
