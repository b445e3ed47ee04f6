"""Measuring the trained classifiers of a reproduction, with the spread over its seeds."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from vitae_mm.engine.config import strip_test_dataset
from vitae_mm.engine.models import load_model
from vitae_mm.engine.resume import last_checkpoint

from .attention_distance import measure_distances
from .attention_weights import attention_layers
from .classifiers import PixelClassifier, read_samples
from .experiment import Row
from .loading import choose, dataset_readers, network_input
from .reproduction import Run
from .reproduction_report import Result
from .robustness import measure_robustness


def look_inside(
    runs: Iterable[Run], *, count: int, eps: Sequence[float], device: str
) -> dict[str, list[Result]]:
    """Measures average attention distances, and accuracies under PGD.

    Args:
        runs: Finished runs of classifiers.
        count: Number of test images, the same for all runs.
        eps: Largest changes of a pixel in [0, 1], ascending; 0 is added.
        device: Torch device.

    Returns:
        The results of each of :data:`MEASURES`: a row for each network and layer, numbered from 1,
        with distances in pixels; and for each network and eps, with accuracies in percent.
    """
    distances: dict[Row, dict] = defaultdict(dict)
    accuracies: dict[Row, dict] = defaultdict(dict)
    for run in runs:
        name, training = run.row.label, run.row.trainings[-1]
        cfg = training.load()
        samples, readers = read_samples(cfg, count), dataset_readers(cfg)
        strip_test_dataset(cfg)
        model = load_model(cfg, str(last_checkpoint(run.work_dir(training))), device)
        images = (network_input(model, read()) for read in choose(readers, count, seed=0))
        layers = measure_distances(model, attention_layers(model.backbone), images)['layers']
        for number, layer in enumerate(layers, start=1):
            row = Row(f'{name}, layer {number}', (), series=name, x=number)
            distances[row][run.seed] = layer['mean']
        strengths = (0, *eps)
        found = measure_robustness(PixelClassifier(model), samples, dict(pgd=strengths))['pgd']
        for change, accuracy in zip((255 * value for value in strengths), found, strict=True):
            row = Row(f'{name}, {change:.3g}/255', (), series=name, x=change)
            accuracies[row][run.seed] = accuracy
    return {
        name: [Result(row, scores, None) for row, scores in by_row.items()]
        for name, by_row in (('attention_distance', distances), ('robustness', accuracies))
    }
