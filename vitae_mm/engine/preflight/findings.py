"""All checks of a training."""

from dataclasses import dataclass

from mmengine.config import Config
from torch import nn

from vitae_mm.engine.models import outline_model

from .autoencoder import check_autoencoder
from .data import check_data
from .start import check_start_weights


@dataclass(frozen=True)
class Findings:
    """What the checks found on their way.

    Attributes:
        model: Outline of the model.
        annotations: Lines about what annotations hold.
        weights: Lines about checkpoints that the training starts from.
    """

    model: nn.Module
    annotations: list[str]
    weights: list[str]


def check_training(cfg: Config, trust: bool = False) -> Findings:
    """Checks data, model and checkpoints.

    Args:
        cfg: Of a training.
        trust: Unpickle anything in its checkpoint. Defaults to False.

    Raises:
        InputError: For what does not fit, see :func:`check_data`,
            :func:`outline_model`, :func:`check_autoencoder` and
            :func:`check_start_weights`.
    """
    annotations = check_data(cfg, ('train', 'val'))
    model = outline_model(cfg)
    check_autoencoder(model)
    return Findings(model, annotations, check_start_weights(cfg, model, trust))
