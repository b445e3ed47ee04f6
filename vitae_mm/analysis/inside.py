"""What is measured inside the trained classifiers of a reproduction."""

from collections.abc import Iterator, Sequence

from mmengine.model import BaseModel

from vitae_mm.engine.config import strip_test_dataset
from vitae_mm.engine.models import load_model
from vitae_mm.engine.resume import last_checkpoint

from .attention_distance import measure_distances
from .attention_weights import attention_layers
from .classifiers import PixelClassifier, read_samples
from .experiment import Experiment, Metric
from .loading import choose, dataset_readers, network_input
from .reproduction import Run
from .robustness import measure_robustness

DISTANCE = Experiment(
    'Average attention distance',
    {},
    axis='attention layer',
    metric=Metric('distance', 'distance (pixels)'),
)
ROBUSTNESS = Experiment(
    'Accuracy under PGD',
    {},
    axis='largest change of a pixel (1/255)',
    metric=Metric('accuracy', 'top-1 (%)'),
)
MEASURES = dict(attention_distance=DISTANCE, robustness=ROBUSTNESS)
"""By the name of their files."""

Points = Iterator[tuple[float, float]]
"""Positions on the axis of a measure, and scores there."""


def distances(run: Run, count: int, device: str) -> Points:
    """Yields the numbers of the attention layers, from 1, and their average distances in pixels on
    ``count`` test images."""
    model = load_classifier(run, device)
    readers = dataset_readers(run.row.trainings[-1].load())
    images = (network_input(model, read()) for read in choose(readers, count, seed=0))
    layers = measure_distances(model, attention_layers(model.backbone), images)['layers']
    yield from ((number, layer['mean']) for number, layer in enumerate(layers, start=1))


def accuracies(run: Run, count: int, strengths: Sequence[float], device: str) -> Points:
    """Yields the largest changes of a pixel in steps of 1/255, and the accuracies in percent on
    ``count`` test images under PGD."""
    samples = read_samples(run.row.trainings[-1].load(), count)
    classifier = PixelClassifier(load_classifier(run, device))
    found = measure_robustness(classifier, samples, dict(pgd=strengths))['pgd']
    yield from zip((255 * eps for eps in strengths), found, strict=True)


def load_classifier(run: Run, device: str) -> BaseModel:
    """Loads the trained network of a run."""
    training = run.row.trainings[-1]
    cfg = training.load()
    strip_test_dataset(cfg)
    return load_model(cfg, str(last_checkpoint(run.work_dir(training))), device)
