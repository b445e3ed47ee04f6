"""Inferencers of mmdet and mmseg with a loaded model."""

from collections.abc import Callable

from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn


class LoadedModelMixin:
    """Makes an inferencer take a loaded model in place of a checkpoint."""

    def _init_model(self, cfg: Config, weights: nn.Module, device: str) -> nn.Module:
        return weights

    def _init_collate(self, cfg: Config) -> Callable:
        return pseudo_collate  # mmengine's lookup finds the same, with warnings
