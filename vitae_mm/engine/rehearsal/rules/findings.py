"""All checks before training, and their findings."""

from dataclasses import dataclass

from mmengine.config import Config
from torch import nn

from vitae_mm.engine.models import build_meta_model

from .autoencoder import check_autoencoder
from .data import check_data
from .start import check_start_weights


@dataclass(frozen=True)
class Findings:
    """Results of the checks, for the summary of a training run.

    Attributes:
        model: The model on the meta device.
        annotations: Lines that describe the annotations.
        weights: Lines that describe the checkpoints that the run starts from.
    """

    model: nn.Module
    annotations: list[str]
    weights: list[str]


def check_training(cfg: Config, trust: bool = False) -> Findings:
    """Checks data, model and checkpoints.

    Args:
        cfg: Config of a training run.
        trust: Unpickle any object in its checkpoints. Defaults to False.

    Raises:
        InputError: See :func:`check_data`, :func:`check_autoencoder` and
            :func:`check_start_weights`; also for invalid options of our networks.
    """
    annotations = check_data(cfg, ('train', 'val'))
    model = build_meta_model(cfg)
    check_autoencoder(model)
    return Findings(model, annotations, check_start_weights(cfg, model, trust))
