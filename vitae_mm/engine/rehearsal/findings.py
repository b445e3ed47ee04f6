"""Everything that is checked without building the run."""

from collections.abc import Mapping
from dataclasses import dataclass

from mmengine.config import Config
from torch import nn

from vitae_mm.engine.models import build_meta_model

from .rules import CocoSummary, check_autoencoder, check_data, check_start_weights


@dataclass(frozen=True)
class Findings:
    """Results of the checks, for the rehearsal and the summary of a training run.

    Attributes:
        model: The model on the meta device.
        coco: Summaries of the annotation files in COCO format, for each split.
        weights: Lines that describe the checkpoints that the run starts from.
    """

    model: nn.Module
    coco: Mapping[str, list[CocoSummary]]
    weights: list[str]


def check_training(cfg: Config, trust: bool = False) -> Findings:
    """Checks data, model and checkpoints.

    Args:
        cfg: Config of a training run.
        trust: Unpickle any object in its checkpoints. Defaults to False.

    Raises:
        InputError: See the functions in ``rules``; also for invalid options of our networks.
    """
    coco = check_data(cfg, ('train', 'val'))
    model = build_meta_model(cfg)
    check_autoencoder(model)
    return Findings(model, coco, check_start_weights(cfg, model, trust))
