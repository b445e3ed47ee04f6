"""Scores that class activation explains: logits of classifiers and segmentors."""

import math
from collections.abc import Callable, Sequence

from mmengine.model import BaseModel
from torch import Tensor

from vitae_mm.errors import InputError

Target = Callable[[Tensor], Tensor]
"""Maps a network's logits for one image to the score."""

ScoreChoice = Callable[[BaseModel, Tensor, Sequence[float], int | None], tuple[Target, str]]
"""Chooses a score, as :func:`class_score` and :func:`pixel_score` do."""


def find_score(model: BaseModel) -> ScoreChoice | None:
    """How the score of a model with its config as ``cfg`` is chosen; None if there is no score
    with a gradient."""
    if model.cfg.default_scope == 'mmpretrain':
        from mmpretrain.models import BaseClassifier  # other codebases work without it

        return class_score if isinstance(model, BaseClassifier) and model.with_head else None
    return pixel_score if model.cfg.default_scope == 'mmseg' else None


def class_score(
    model: BaseModel, logits: Tensor, inside: Sequence[float], category: int | None
) -> tuple[Target, str]:
    """The logit of a class of a classifier and its caption, by default of the most probable class.

    Takes and raises what :func:`pixel_score` does, but the logits are (1, classes).
    """
    probabilities = logits[0].softmax(0)
    best = int(probabilities.argmax())
    category = best if category is None else category
    name, caption = class_name(model, category, len(probabilities)), ''
    if category != best:
        caption = (
            f', predicted {class_name(model, best, len(probabilities))} {probabilities[best]:.2f}'
        )
    return lambda logits: logits[category], f'{name} {probabilities[category]:.2f}{caption}'


def pixel_score(
    model: BaseModel, logits: Tensor, inside: Sequence[float], category: int | None
) -> tuple[Target, str]:
    """The sum of the logits of a class over the pixels that a segmentor predicts as this class.

    Args:
        model: The segmentor.
        logits: Of one image, (1, classes, H', W').
        inside: Fractions of the height and the width that are not padding.
        category: Index of the class. Defaults to the one with most pixels.

    Returns:
        The score and its caption.

    Raises:
        InputError: If there is no such class, or no pixel is predicted as this class.
    """
    rows, columns = (math.ceil(inside[i] * logits.shape[2 + i]) for i in (0, 1))
    labels = logits[0, :, :rows, :columns].argmax(0)
    counts = labels.flatten().bincount(minlength=logits.shape[1]).tolist()
    category = counts.index(max(counts)) if category is None else category
    names = [class_name(model, i, len(counts)) for i in (category, *range(len(counts)))]
    if not counts[category]:
        found = [f'{i} ({name})' for i, name in enumerate(names[1:]) if counts[i]]
        raise InputError(
            f'category {category}: no pixel is predicted as {names[0]}; give one that is: '
            f'{", ".join(found)}.'
        )
    chosen = labels == category
    caption = f'{names[0]} {chosen.float().mean():.0%} of the pixels'
    return lambda logits: logits[category, :rows, :columns][chosen].sum(), caption


def class_name(model: BaseModel, category: int, count: int) -> str:
    """Name of one of the model's classes; raises InputError if there is no such class."""
    if not 0 <= category < count:
        raise InputError(
            f'category {category}: {type(model).__name__} has {count} classes; give a number from '
            f'0 to {count - 1}.'
        )
    names = model.dataset_meta.get('classes') or ()
    return names[category] if category < len(names) else f'class {category}'
